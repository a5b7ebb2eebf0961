"""The local server's process, seen from inside: Prefect's application behind a guard, detached from who started it.

    python -m wdprefect.on_prefect.server_app HOME FD

serves on the bound socket FD and prints the server's pid. HOME is what tells the servers of two directories apart in
the list of processes; Prefect itself learns it from its settings in the environment.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping

from fastapi.datastructures import Headers
