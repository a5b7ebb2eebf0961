#!/bin/sh
# Build the wheel, install it with its own dependencies into a clean environment, and use it from there.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
.venv/bin/python -m build --quiet --wheel --no-isolation --outdir "$work" .
.uv/bin/uv venv --quiet --python .venv/bin/python "$work/venv"
.uv/bin/uv pip install --quiet --python "$work/venv/bin/python" "$work"/*.whl
cp deployments/flows/hello.yaml "$work/flow.yaml"
cd "$work"
venv/bin/wdprefect validate flow.yaml
venv/bin/wdprefect run flow.yaml --engine local --storage "file://$work/storage"
# The pins that keep a fresh Prefect server alive are in the package itself.
venv/bin/python -c 'import prefect.server.api.server; print("the server of a clean install is importable")'
