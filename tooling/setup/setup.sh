#!/usr/bin/env bash
# Prepares everything the repository needs, inside the repository only:
# .venv (Python packages and Node) and node_modules (the CDK command line).
# Each stage leaves a stamp that names its inputs, so a second run is instant
# and an interrupted one goes on where it stopped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly uv_version=0.13.9
readonly stamps=.setup
say() { printf '\033[2m[set-up]\033[0m %s\n' "$*" >&2; }
fail() { printf '[set-up] error: %s\n' "$*" >&2; exit 1; }

python=${PYTHON:-}
if [ -z "$python" ]; then
  for candidate in python3.13 python3.12 python3.11 python3; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      python=$candidate
      break
    fi
  done
fi
[ -n "$python" ] || fail "Python 3.11 or newer is needed; install it or name it: make PYTHON=/path/to/python3"

fingerprint() { cat "$@" | "$python" -c 'import hashlib,sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'; }
done_already() { [ -f "$stamps/$1" ] && [ "$(cat "$stamps/$1")" = "$2" ]; }
finish() { mkdir -p "$stamps" && printf '%s' "$2" >"$stamps/$1.tmp" && mv "$stamps/$1.tmp" "$stamps/$1"; }

python_inputs="$(fingerprint requirements.lock pyproject.toml tooling/setup/setup.sh) $PWD"
if ! done_already python "$python_inputs" || [ ! -x .venv/bin/python ]; then
  say "1/2 Python packages into .venv (a minute or two on the first run)"
  [ -x .venv/bin/python ] || "$python" -m venv .venv || fail "could not create .venv (on Debian and Ubuntu: apt install python3-venv)"
  [ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$uv_version"
  # Jobs, functions and builds are short Python processes: what they import is compiled once, here.
  .venv/bin/uv pip sync --quiet --compile-bytecode --python .venv/bin/python requirements.lock
  .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
  finish python "$python_inputs"
fi

# Our own code too, each time, as far as it has changed: jobs write no bytecode.
.venv/bin/python -m compileall -q -j 0 access infra constructs stacks runtime local_cloud tooling || true

node_inputs=$(fingerprint package.json package-lock.json)
if ! done_already node "$node_inputs" || [ ! -x node_modules/.bin/cdk ]; then
  say "2/2 AWS CDK command line into node_modules"
  PATH="$PWD/.venv/bin:$PATH" npm ci --silent --no-audit --no-fund --prefer-offline
  finish node "$node_inputs"
fi
