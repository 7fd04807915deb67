#!/usr/bin/env bash
# One node of Apache Kafka (KRaft) for tests, on 127.0.0.1 only.
#
#   kafka.sh start DIR [PORT]   says where it listens; without PORT: where it did last time, or on a free one
#   kafka.sh secured DIR [PORT] the same for one that lets nobody in who doesn't show who he is: PORT wants TLS and a login
#                               (user loupan, password in DIR/password; DIR/ca.pem), DIR/tls-port TLS and a certificate
#                               (DIR/client.pem with its key), DIR/login-port a login without TLS
#   kafka.sh stop|kill DIR      in good order | by SIGKILL; DIR keeps the records for the next start
#   kafka.sh pause|resume DIR   SIGSTOP | SIGCONT
#   kafka.sh missing            says what this machine lacks for it
#
# The jars come from Maven Central, once, into LOUPAN_KAFKA_CACHE (~/.cache/loupan-kafka).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

VERSION=4.3.1
cache=${LOUPAN_KAFKA_CACHE:-$HOME/.cache/loupan-kafka}
jars=$cache/$VERSION
secured=

missing() {
  local lacks=() packages=() major
  major=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p') || true
  ((${major:-0} >= 17)) || { lacks+=("java (17 or newer)"); packages+=(default-jre-headless); }
  [[ -d $jars ]] || command -v mvn >/dev/null || { lacks+=(mvn); packages+=(maven); }
  [[ -z $secured ]] || command -v openssl >/dev/null || { lacks+=(openssl); packages+=(openssl); }
  ((${#lacks[@]} == 0)) || (IFS=+; echo "Kafka needs ${lacks[*]}: install Debian's ${packages[*]}") | sed 's/+/ and /g'
}

# Complete or not there at all: the folder gets its name when it is full, and one process at a time fills it.
fetch() {
  [[ ! -d $jars ]] || return 0
  mkdir -p "$cache"
  exec 8>"$cache/lock"
  flock 8
  [[ ! -d $jars ]] || return 0
  local new
  new=$(mktemp -d "$cache/fetching.XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$new'" EXIT
  # kafka-tools-api is for the command-line tools, and 4.4.0's cannot be resolved. Without a binding slf4j is mute.
  cat >"$new/pom.xml" <<POM
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>loupan</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$VERSION</version>
      <exclusions><exclusion><groupId>org.apache.kafka</groupId><artifactId>kafka-tools-api</artifactId></exclusion></exclusions>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
  mvn --quiet --batch-mode --no-transfer-progress -Dstyle.color=never --file "$new/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$new/jars" >"$new/log" 2>&1 </dev/null 9>&- 8>&- ||
    fail "Maven could not fetch Kafka $VERSION: $(sed -n 's/^\[ERROR\] //p' "$new/log" | head -n 1)" "$UNAVAILABLE"
  mv "$new/jars" "$jars"
  exec 8>&-
}

jvm() { # CLASS ARGUMENT…
  exec java -Xms512m -Xmx512m -XX:+UseSerialGC -Djava.awt.headless=true -cp "$jars/*" \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.showDateTime=true \
    -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS "$@" </dev/null 9>&-
}

# One replica of everything, since there is one node; no waiting for company; a dead broker is noticed within 4 s
# (by default its own successor would wait 9 s for that), and a session may be as short as a test wants it.
configure() { # PORT CONTROLLER_PORT
  cat >"$folder/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$2
listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$2
advertised.listeners=PLAINTEXT://127.0.0.1:$1
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs=$folder/data
log.retention.ms=-1
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
PROPERTIES
  [[ -z $secured ]] || secure "$1"
}

# The broker talks to itself by its door within, where nobody is asked; the others are for clients. What is said later
# in the file counts.
secure() { # PORT
  local tls login within word door
  tls=$(choose_port "$folder/tls-port")
  login=$(choose_port "$folder/login-port")
  within=$(choose_port "$folder/within-port")
  word=$(cat "$folder/password")
  local here=127.0.0.1
  sed -i '/listener/d' "$folder/server.properties"
  cat >>"$folder/server.properties" <<PROPERTIES
listeners=BOTH://$here:$1,TLS://$here:$tls,LOGIN://$here:$login,WITHIN://$here:$within,CONTROLLER://$here:$(cat "$folder/controller-port")
advertised.listeners=BOTH://$here:$1,TLS://$here:$tls,LOGIN://$here:$login,WITHIN://$here:$within
listener.security.protocol.map=BOTH:SASL_SSL,TLS:SSL,LOGIN:SASL_PLAINTEXT,WITHIN:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=WITHIN
controller.listener.names=CONTROLLER
ssl.keystore.type=PEM
ssl.keystore.location=$folder/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=$folder/ca.pem
listener.name.tls.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
PROPERTIES
  for door in both login; do
    cat >>"$folder/server.properties" <<PROPERTIES
listener.name.$door.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_loupan="$word";
listener.name.$door.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
PROPERTIES
  done
}

# An authority, what it signs for the broker (valid for 127.0.0.1, and for no name) and for a client, and another
# authority that signed nothing here.
certify() {
  [[ ! -e $folder/certified ]] || return 0
  local name
  head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$folder/password"
  {
    for name in ca other-ca; do
      openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=$name" -keyout "$folder/$name.key" \
        -addext keyUsage=critical,keyCertSign,cRLSign -out "$folder/$name.pem"
    done
    for name in server client; do
      openssl req -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout "$folder/$name.key" -out "$folder/$name.csr"
      openssl x509 -req -in "$folder/$name.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAcreateserial \
        -days 3650 -extfile <(printf '%s\n' subjectAltName=IP:127.0.0.1 authorityKeyIdentifier=keyid) \
        -out "$folder/$name.pem"
    done
    cat "$folder/server.key" >>"$folder/server.pem"
  } >"$folder/certify.log" 2>&1 9>&- || fail "openssl made no certificates: $(tail -n 3 "$folder/certify.log")"
  touch "$folder/certified"
}

# Anew until it went through once: Kafka refuses a folder that is formatted by half, and one that is formatted already.
format() {
  [[ ! -e $folder/formatted ]] || return 0
  rm -rf "$folder/data"
  local id
  id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | head -c 22)
  local users=()
  [[ -z $secured ]] || users=(--add-scram "SCRAM-SHA-512=[name=loupan,password=$(cat "$folder/password")]")
  (jvm kafka.tools.StorageTool format -t "$id" -c "$folder/server.properties" "${users[@]}") >"$folder/format.log" 2>&1 ||
    fail "Kafka could not format $folder/data: $(tail -n 3 "$folder/format.log")"
  touch "$folder/formatted"
}

running() {
  pid=$(cat "$folder/kafka.pid" 2>/dev/null) && [[ $(words "$pid") == *" kafka.Kafka $folder/server.properties "* ]]
}

# A port that is taken meanwhile ends it after it has opened the others.
accepts_all() { # PORT
  local one
  accepts "$1" || return 1
  [[ -n $secured ]] || return 0
  for one in tls login within; do accepts "$(cat "$folder/$one-port")" || return 1; done
}

start() { # [PORT]
  local port controller lacks
  if running; then
    port=$(cat "$folder/port")
    [[ ${1:-0} == 0 || $1 == "$port" ]] || fail "the Kafka of $folder runs already, on port $port"
    echo "127.0.0.1:$port"
    return
  fi
  lacks=$(missing)
  [[ -z $lacks ]] || fail "$lacks" "$UNAVAILABLE"
  fetch
  port=$(choose_port "$folder/port" "${1:-}")
  controller=$(choose_port "$folder/controller-port")
  [[ -z $secured ]] || certify
  configure "$port" "$controller"
  format
  # In a session of its own: Ctrl-C is for the tests, and they say when the server ends.
  (export -f jvm; export jars; exec setsid bash -c 'jvm "$@"' jvm kafka.Kafka "$folder/server.properties") \
    >>"$folder/kafka.log" 2>&1 </dev/null 9>&- &
  echo $! >"$folder/kafka.pid"
  local end=$((SECONDS + 60))
  until accepts_all "$port"; do
    alive $! || fail "Kafka did not start; the end of $folder/kafka.log: $(tail -n 5 "$folder/kafka.log")"
    ((SECONDS < end)) || { kill -KILL $!; fail "Kafka was not ready within 60 s; what it said is in $folder/kafka.log"; }
    sleep 0.05
  done
  echo "127.0.0.1:$port"
}

end() { # SIGNAL
  running || return 0
  kill -"$1" "$pid"
  # A paused process hears SIGTERM only when it goes on.
  kill -CONT "$pid" 2>/dev/null || true
  wait_until_gone 30 "$pid" || { kill -KILL "$pid"; wait_until_gone 10 "$pid"; }
  rm -f "$folder/kafka.pid"
}

signal() { # SIGNAL
  running || fail "no Kafka runs in $folder"
  kill -"$1" "$pid"
}

case ${1:-} in
  missing) missing ;;
  start) enter "${2:-}"; start "${3:-}" ;;
  secured) secured=yes; enter "${2:-}"; start "${3:-}" ;;
  stop) enter "${2:-}"; end TERM ;;
  kill) enter "${2:-}"; end KILL ;;
  pause) enter "${2:-}"; signal STOP ;;
  resume) enter "${2:-}"; signal CONT ;;
  *) fail "say start DIR [PORT], secured DIR [PORT], stop DIR, kill DIR, pause DIR, resume DIR, or missing" 2 ;;
esac
