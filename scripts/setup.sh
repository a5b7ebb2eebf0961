#!/bin/sh
# Make .venv from the locked requirements. Does nothing when it is up to date.
# Needs Python 3.10 or newer (PYTHON names another one than python3) and a package index.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
case $(uname -s) in
  Linux | Darwin) ;;
  *) echo "wdprefect runs on Linux and macOS; on Windows use WSL" >&2; exit 3 ;;
esac
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
  echo "wdprefect needs Python 3.10 or newer, $python is $("$python" -V); name another one with PYTHON=" >&2
  exit 3
}

stamp=.venv/.installed
wanted=$(cat requirements/dev.txt pyproject.toml scripts/setup.sh | cksum)
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0

# uv lives apart, so that the lock alone says what is in .venv.
[ -x .uv/bin/uv ] || { "$python" -m venv .uv && .uv/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.5"; }
[ -x .venv/bin/python ] || .uv/bin/uv venv --quiet --python "$python" .venv
# Byte code now: without it the first start of a Prefect server takes half a minute.
.uv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes --compile-bytecode -r requirements/dev.txt
.uv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
echo "$wanted" > "$stamp"
