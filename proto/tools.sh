# Sourced by the scripts beside it: sets $buf to the executable of the committed version, installed if need be.
#
# package.json names buf's executables for Linux directly instead of the package @bufbuild/buf, which is a launcher for
# them: its lock would have to vouch for systems that nothing here runs on.
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-x64 ;;
  Linux-aarch64) platform=linux-aarch64 ;;
  *)
    echo "the contracts are checked on Linux, x86_64 or aarch64 only" >&2
    exit 1
    ;;
esac
tools="$PWD"
if [ -n "${HUTONG_CACHE-}" ]; then
  tools="$HUTONG_CACHE/proto"
  mkdir -p "$tools"
  cp package.json package-lock.json "$tools/"
fi
buf="$tools/node_modules/@bufbuild/buf-$platform/bin/buf"
# The copy of the lock that the last finished installation left: another one means another version.
installed="$tools/node_modules/.installed-lock.json"
if ! cmp -s package-lock.json "$installed"; then
  command -v npm >/dev/null || {
    echo "npm is missing: install the system's package npm, it is needed once to fetch buf" >&2
    exit 1
  }
  echo "installing buf from npm into $tools/node_modules" >&2
  npm ci --prefix "$tools" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json "$installed"
fi
