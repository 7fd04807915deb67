# shellcheck shell=bash
# What kafka.sh, postgres.sh and keeper.sh share. Linux only: a process is known by what /proc says of it.

fail() { # SENTENCE [STATUS]
  echo "${0##*/}: $1" >&2
  exit "${2:-1}"
}

# The exit status for "this machine lacks what it takes", which a test answers by being skipped (sysexits.h).
# shellcheck disable=SC2034
UNAVAILABLE=69

# One at a time works on a folder: two that start the same server get the same one, and a stop waits for a start.
enter() { # FOLDER
  [[ -n $1 ]] || fail "say in which folder the server keeps its data"
  mkdir -p "$1" || fail "cannot make the folder $1"
  folder=$(cd "$1" && pwd -P)
  exec 9>"$folder/lock"
  flock 9
}

# Empty for a zombie too: under an init that reaps nothing, a killed server stays one for ever.
words() { # PID
  { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null || true
}

# Its words are gone before its files and ports are: those it has until the last of its threads is a zombie.
alive() { # PID
  local thread
  for thread in /proc/"$1"/task/*/stat; do
    { read -r thread <"$thread"; } 2>/dev/null || continue
    [[ ${thread##*) } == [ZX]* ]] || return 0
  done
  return 1
}

wait_until_gone() { # SECONDS PID…
  local end=$((SECONDS + $1)) pid
  shift
  for pid; do
    while alive "$pid"; do
      ((SECONDS < end)) || return 1
      sleep 0.02
    done
  done
}

accepts() { # PORT
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Below the range from which the kernel serves clients: there, one could take the port while the server is down.
free_port() {
  local port
  for _ in {1..50}; do
    port=$((10000 + RANDOM % 20000))
    accepts "$port" || break
  done
  echo "$port"
}

# The port asked for, or the one of the last time, or a free one.
choose_port() { # FILE [PORT]
  local port=${2:-0}
  [[ $port =~ ^[0-9]{1,5}$ ]] || fail "a port is a number, and this is none: $port"
  ((10#$port)) || port=$(cat "$1" 2>/dev/null || free_port)
  ! accepts "$port" || fail "something else listens on 127.0.0.1:$port already"
  echo "$port" >"$1"
  echo "$port"
}
