#!/usr/bin/env bash
# Runs the Java client: run.sh CACHE_DIR HOST:PORT ACCOUNT SEQUENCE
#
# CACHE_DIR keeps what is built under a name that changes with the client and the contracts: complete or absent, since two
# runs may want it at once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
proto=$(cd "$here/../../proto" && pwd)
[ $# -eq 4 ] || {
  printf 'usage: run.sh CACHE_DIR HOST:PORT ACCOUNT SEQUENCE\n' >&2
  exit 2
}
cache=$1
shift
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

sources=("$here/pom.xml")
while IFS= read -r file; do sources+=("$file"); done < <(find "$here/src" "$proto/hutong" -name '*.java' -o -name '*.proto' | sort)
built=$cache/java-$(cat "${sources[@]}" | cksum | tr -d ' ')
if [ ! -d "$built" ]; then
  fresh=$(mktemp -d "$cache/java.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  mvn -B -q -f "$here/pom.xml" "-Dbuilt=$fresh" compile dependency:copy-dependencies >&2
  mv -T "$fresh" "$built" 2>/dev/null || rm -rf "$fresh"
fi
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$built/classes:$built/jars/*" com.hutong.example.Client "$@"
