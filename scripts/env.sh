# Sourced by the other scripts: where the tree is, where built things are kept, which tools are pinned.
# shellcheck shell=bash disable=SC2034

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Pinned tools. A new version is one line here; set-up then installs it beside the old one.
CARGO_DENY_VERSION=0.20.2
TYPOS_VERSION=1.52.0

# A shell that is not a login shell often lacks the directory rustup installs into.
if ! command -v cargo >/dev/null 2>&1 && [ -x "${CARGO_HOME:-${HOME:-}/.cargo}/bin/cargo" ]; then
  PATH="${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH"
fi

say() { printf '%s\n' "$*"; }

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

# The cache outlives one clone, so that what takes long to compile is compiled once on a machine. Without a place
# for it everything is built inside the clone.
cache_dir() {
  local candidate
  if [ -n "${HUTONG_CACHE:-}" ]; then
    candidate=$HUTONG_CACHE
  elif [ -n "${XDG_CACHE_HOME:-}" ]; then
    candidate=$XDG_CACHE_HOME/hutong
  elif [ -n "${HOME:-}" ]; then
    candidate=$HOME/.cache/hutong
  else
    candidate=$root/target/cache
  fi
  if mkdir -p "$candidate/target" 2>/dev/null && [ -w "$candidate/target" ]; then
    printf '%s\n' "$candidate"
  else
    printf '%s\n' "$root/target/cache"
  fi
}

cache=$(cache_dir)
tools=$cache/tools
export HUTONG_CACHE="$cache" # proto/check.sh keeps its tools there too
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"
mkdir -p "$tools" "$CARGO_TARGET_DIR" || die "the build needs a writable directory: set HUTONG_CACHE to one"

deny_bin=$tools/cargo-deny-$CARGO_DENY_VERSION/bin/cargo-deny
typos_bin=$tools/typos-$TYPOS_VERSION/bin/typos

# Cargo cannot tell two clones apart that share one target directory: where a source of this clone is older than what
# another clone built, cargo runs the other clone's program. So one run at a time has the directory, and the first run
# of another clone throws away what is ours - never the dependencies, which are the same for all.
#
# own_the_target_directory SECONDS waits so long for another run; the lock is file descriptor 9.
own_the_target_directory() {
  if [ "$CARGO_TARGET_DIR" = "$root/target" ]; then return; fi
  if command -v flock >/dev/null 2>&1; then
    exec 9>"$CARGO_TARGET_DIR/.hutong-lock"
    if ! flock -n 9; then
      say "    waiting for another run that builds in $CARGO_TARGET_DIR"
      flock -w "$1" 9 || return 1
    fi
  fi
  local stamp=$CARGO_TARGET_DIR/.hutong-clone manifest ours=()
  if [ "$(cat "$stamp" 2>/dev/null)" = "$root" ]; then return; fi
  # Cargo asks its registry before it finds that there is nothing to throw away.
  if [ -d "$CARGO_TARGET_DIR/release" ]; then
    for manifest in "$root"/crates/*/Cargo.toml "$root"/tests/*/Cargo.toml; do
      ours+=(-p "$(sed -n 's/^name = "\(.*\)"/\1/p' "$manifest" | head -n 1)")
    done
    cargo clean --quiet --release --locked --manifest-path "$root/Cargo.toml" "${ours[@]}" || return 1
  fi
  printf '%s\n' "$root" >"$stamp"
}
