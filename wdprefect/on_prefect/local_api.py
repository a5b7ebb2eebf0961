"""Which Prefect API this process uses: the one that is configured, else the local server, which is started once."""

from __future__ import annotations

import logging
import os

from prefect.context import refresh_global_settings_context
from prefect.logging.configuration import setup_logging
from prefect.settings import get_current_settings

from wdprefect.on_prefect.quiet import quiet_exit
from wdprefect.on_prefect.server import Server, configured_api_url, ensure_server


def use_api() -> Server | None:
    """Make this process use a Prefect API; the local server where none is configured. May be called twice.

    Raises Unavailable when the local server does not start.
    """
    if configured_api_url():
        return None
    server = ensure_server()
    os.environ["PREFECT_API_URL"] = server.api_url
    # Prefect has read its settings when it was imported.
    refresh_global_settings_context()
    return server


def run_address(execution_id: str) -> str | None:
    """Where a person looks at a run of this process's API."""
    base = get_current_settings().ui_url
    return f"{base}/v2/runs/flow-run/{execution_id}" if base else None


def quiet_console() -> None:
    """Keep the lines of runs off this process's console: whoever asked for the run shows them already."""
    # Once Prefect has set its loggers up, it leaves them as they are.
    setup_logging()
    for name in ("prefect.flow_runs", "prefect.task_runs", "prefect.engine"):
        logging.getLogger(name).propagate = False
    quiet_exit()
