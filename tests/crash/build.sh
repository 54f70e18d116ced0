#!/usr/bin/env bash
# Builds what the suites of this directory run: the binary with failpoints as `hutong-failpoints` beside the ordinary one,
# which is built last so that it keeps its name.
set -euo pipefail
# shellcheck source=../../scripts/env.sh
. "$(dirname "$0")/../../scripts/env.sh"
cd "$root"

built=$CARGO_TARGET_DIR/release
cargo build --release --workspace --locked --bin hutong --features hutong/failpoints
cp -f "$built/hutong" "$built/hutong-failpoints.new"
mv -f "$built/hutong-failpoints.new" "$built/hutong-failpoints"
cargo build --release --workspace --locked --bin hutong
