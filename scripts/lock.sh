#!/bin/sh
# Resolve the dependencies anew, with hashes and without the address of any index.
set -eu
cd "$(dirname "$0")/.."
compile() { .uv/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade "$@"; }
compile --python-version 3.10 --group dev pyproject.toml -o requirements/dev.txt
if [ -f requirements/servers.in ]; then
  compile --python-version 3.10 requirements/servers.in -o requirements/servers.txt
fi
