#!/usr/bin/env bash
# Runs the Python client: run.sh CACHE_DIR HOST:PORT ACCOUNT SEQUENCE
#
# CACHE_DIR keeps a Python environment under a name that changes with the list of packages, and stubs under one that
# changes with the contracts. Both are complete or absent: two runs may want them at once.
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

name() { cat "$@" | cksum | tr -d ' '; }

# A Python environment cannot be moved, so it is marked when it is whole.
environment=$cache/python-$(name "$here/requirements.txt")
if [ ! -e "$environment/whole" ]; then
  python3 -m venv --clear "$environment"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: -r "$here/requirements.txt"
  touch "$environment/whole"
fi

contracts=()
while IFS= read -r file; do contracts+=("$file"); done < <(find "$proto/hutong" -name '*.proto' | sort)
stubs=$cache/python-stubs-$(name "$here/requirements.txt" "${contracts[@]}")
if [ ! -d "$stubs" ]; then
  fresh=$(mktemp -d "$cache/stubs.XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  "$environment/bin/python" -m grpc_tools.protoc -I "$proto" --python_out="$fresh" --grpc_python_out="$fresh" "${contracts[@]}"
  mv -T "$fresh" "$stubs" 2>/dev/null || rm -rf "$fresh"
fi
PYTHONPATH=$stubs exec "$environment/bin/python" "$here/client.py" "$@"
