"""Which Prefect API a command uses: the one that is configured, else a local server that is started once."""

from __future__ import annotations

import os
import sys

from wdprefect.on_prefect.server import configured_api_url, ensure_server


def choose_api() -> None:
    """Make this process use a Prefect API; says on standard error when it had to start a server."""
    if configured_api_url():
        return
    server = ensure_server()
    if server.started:
        print(f"started a local Prefect server: {server.ui_url} (wdprefect server stop ends it)", file=sys.stderr)
    # Prefect reads its settings when it is imported, which happens after this.
    os.environ["PREFECT_API_URL"] = server.api_url
