#!/bin/sh
# Takes the contracts as they are now as the image that check.sh compares with.
#
# When: in the commit that adds a field, message, value or method which a client may rely on from then on. An image that
# lags behind protects nothing that came after it. Additions always pass check.sh, so this refuses when it fails: what
# cannot be added compatibly belongs into a new package version (v2) beside the old one.
#
# --unreleased skips that refusal. It is for changes to contracts that no release of Hutong contains yet, and the commit's
# message says so.
set -eu
cd "$(dirname "$0")"

. ./tools.sh

case "${1-}" in
  "") [ ! -e image.binpb ] || ./check.sh ;;
  --unreleased) "$buf" lint ;;
  *)
    echo "usage: $0 [--unreleased]" >&2
    exit 2
    ;;
esac
"$buf" build --exclude-source-info -o image.binpb
