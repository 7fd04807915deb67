#!/usr/bin/env bash
# One PostgreSQL for tests, on 127.0.0.1 only, where everyone is trusted: superuser loupan, database loupan.
#
#   postgres.sh start DIR [PORT]   says its URL; without PORT: where it was last time, or a free one
#   postgres.sh stop|kill DIR      in good order | by SIGKILL, all its processes; DIR keeps the data for the next start
#   postgres.sh pause|resume DIR   SIGSTOP | SIGCONT, all its processes
#   postgres.sh missing            says what this machine lacks for it
#
# LOUPAN_POSTGRES_OPTIONS are further options of the server, such as "-c fsync=off".
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Debian keeps each version in a folder of its own; elsewhere they are on the PATH.
bin=$(find /usr/lib/postgresql/*/bin -maxdepth 0 2>/dev/null | sort -V | tail -n 1) || true
[[ -n $bin ]] || bin=$(dirname "$(command -v initdb || echo /nowhere/initdb)")

# PostgreSQL refuses to be root.
as_server() { # COMMAND ARGUMENT…
  if ((EUID)); then "$@"; else setpriv --reuid=postgres --regid=postgres --init-groups --reset-env "$@"; fi
}

missing() {
  if [[ ! -x $bin/initdb ]]; then
    echo "PostgreSQL is not on this machine: install Debian's postgresql"
  elif ((EUID == 0)) && ! id postgres >/dev/null 2>&1; then
    echo "PostgreSQL cannot run as root, and there is no user postgres: install Debian's postgresql"
  fi
}

make_cluster() {
  [[ ! -s $folder/data/PG_VERSION || ! -e $folder/made ]] || return 0
  rm -rf "$folder/data"
  mkdir -m 700 "$folder/data"
  ((EUID)) || chown postgres: "$folder/data"
  as_server test -w "$folder/data" ||
    fail "the user postgres cannot get to $folder: every folder above it must let others through (chmod o+x)"
  as_server "$bin/initdb" -D "$folder/data" -U loupan --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-instructions \
    >"$folder/initdb.log" 2>&1 9>&- || fail "PostgreSQL could not make its files: $(tail -n 3 "$folder/initdb.log")"
  touch "$folder/made"
}

running() {
  pid=$(head -n 1 "$folder/data/postmaster.pid" 2>/dev/null) && [[ $(words "$pid") == *" -D $folder/data "* ]]
}

children() { # PID
  local stat parent
  for stat in /proc/[0-9]*/stat; do
    { read -r stat <"$stat"; } 2>/dev/null || continue
    parent=${stat##*) ? }
    [[ ${parent%% *} != "$1" ]] || echo "${stat%% *}"
  done
}

# The first process before its children: one that stands makes no more of them.
everyone() {
  running || fail "no PostgreSQL runs in $folder"
  kill -STOP "$pid"
  mapfile -t all < <(children "$pid")
  all+=("$pid")
}

signal() { # SIGNAL
  everyone
  # A child may have ended by itself in between.
  kill -"$1" "${all[@]}" 2>/dev/null || true
}

start() { # [PORT]
  local port lacks
  if running; then
    port=$(cat "$folder/port")
    [[ ${1:-0} == 0 || $1 == "$port" ]] || fail "the PostgreSQL of $folder runs already, on port $port"
    echo "postgresql+psycopg://loupan@127.0.0.1:$port/loupan"
    return
  fi
  lacks=$(missing)
  [[ -z $lacks ]] || fail "$lacks" "$UNAVAILABLE"
  # Its own folder of work, since the caller's may be closed to the user postgres.
  cd "$folder"
  port=$(choose_port "$folder/port" "${1:-}")
  make_cluster
  # We looked: it is dead. Its number may be another's by now, or a zombie's, and PostgreSQL would not start beside that.
  rm -f "$folder/data/postmaster.pid"
  # mmap: what a killed server leaves behind then lies in DIR and goes with it, not in /dev/shm.
  as_server "$bin/pg_ctl" -D "$folder/data" -w -t 60 -o "-c listen_addresses=127.0.0.1 -c port=$port \
    -c unix_socket_directories='' -c max_connections=200 -c dynamic_shared_memory_type=mmap \
    ${LOUPAN_POSTGRES_OPTIONS:-}" start >>"$folder/postgres.log" 2>&1 </dev/null 9>&- ||
    fail "PostgreSQL did not start; the end of $folder/postgres.log: $(tail -n 5 "$folder/postgres.log")"
  local there="-h 127.0.0.1 -p $port -U loupan -w"
  # shellcheck disable=SC2086
  [[ -n $("$bin/psql" $there -d postgres -qAtX -c "SELECT 1 FROM pg_database WHERE datname = 'loupan'" 9>&-) ]] ||
    "$bin/createdb" $there loupan 9>&- || fail "PostgreSQL did not make the database loupan"
  echo "postgresql+psycopg://loupan@127.0.0.1:$port/loupan"
}

stop() {
  running || return 0
  signal CONT
  as_server "$bin/pg_ctl" -D "$folder/data" -w -t 30 -m fast stop >>"$folder/postgres.log" 2>&1 9>&- || slay
}

slay() {
  running || return 0
  signal KILL
  wait_until_gone 30 "${all[@]}" || fail "PostgreSQL ($pid) did not die within 30 s"
}

case ${1:-} in
  missing) missing ;;
  start) enter "${2:-}"; start "${3:-}" ;;
  stop) enter "${2:-}"; stop ;;
  kill) enter "${2:-}"; slay ;;
  pause) enter "${2:-}"; signal STOP ;;
  resume) enter "${2:-}"; signal CONT ;;
  *) fail "say start DIR [PORT], stop DIR, kill DIR, pause DIR, resume DIR, or missing" 2 ;;
esac
