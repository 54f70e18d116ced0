#!/bin/sh
# Checks the contracts: lint, format, and that nothing a client may rely on since image.binpb was taken away or changed.
# The tools come from npm by the committed lock, into $HUTONG_CACHE when that is set, else into proto/node_modules; after
# the first time no network is needed. Nothing is written beside that.
set -eu
cd "$(dirname "$0")"

. ./tools.sh

"$buf" lint
"$buf" format --diff --exit-code
"$buf" breaking --against image.binpb
