#!/usr/bin/env bash
# One Apache Kafka broker on loopback, for benchmarks and tests.
#
#   broker.sh jars JARS                        puts the jars into JARS, unless they are there
#   broker.sh format JARS DIR PORT CONTROLLER  writes DIR/server.properties and an empty log
#   broker.sh run JARS DIR                     becomes the broker: whoever started this has its process id
#   broker.sh run-steady JARS DIR              the same, quick after a while rather than small and quick to start
#
# Needs Java 17 and Maven; `scripts/setup` installs them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

jvm=(-Xshare:auto "-Dlog4j2.configurationFile=$here/log4j2.properties")
small=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1)

need() {
  command -v "$1" >/dev/null 2>&1 || {
    printf 'broker.sh: %s is missing: run scripts/setup\n' "$1" >&2
    exit 1
  }
}

# Complete or absent: two test programs may ask for the jars at once, and either may be interrupted.
jars() {
  local jars=$1 parent fresh
  [ -d "$jars" ] && return
  need mvn
  parent=$(dirname "$jars")
  mkdir -p "$parent"
  fresh=$(mktemp -d "$parent/jars.XXXXXX")
  mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies "-Djars=$fresh"
  mv -T "$fresh" "$jars" 2>/dev/null || rm -rf "$fresh"
  [ -d "$jars" ]
}

format() {
  local jars=$1 dir=$2 port=$3 controller=$4
  mkdir -p "$dir"
  sed -e "s#@PORT@#$port#g; s#@CONTROLLER_PORT@#$controller#g; s#@DATA@#$dir/log#g" \
    "$here/server.properties.in" >"$dir/server.properties"
  java -Xmx128m "${small[@]}" "${jvm[@]}" -cp "$jars/*" kafka.tools.StorageTool format --standalone \
    --cluster-id "$(head -c 16 /dev/urandom | base64 | tr '+/' 'AB' | tr -d '=')" --config "$dir/server.properties"
}

run() {
  local jars=$1 dir=$2
  shift 2
  need java && exec java "$@" "${jvm[@]}" "-Dkafka.logs.dir=$dir" -cp "$jars/*" kafka.Kafka "$dir/server.properties"
}

case ${1:-} in
  jars) jars "$2" ;;
  format) need java && format "$2" "$3" "$4" "$5" ;;
  run) run "$2" "$3" -Xms256m -Xmx384m "${small[@]}" ;;
  run-steady) run "$2" "$3" -Xms1g -Xmx1g ;;
  *)
    printf 'usage: broker.sh jars|format|run|run-steady ...\n' >&2
    exit 2
    ;;
esac
