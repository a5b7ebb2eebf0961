"""Kestra's names as Python names, which is what entrypoints and parameters are."""

from __future__ import annotations

import keyword
import re


def entrypoint_name(namespace: str, flow_id: str) -> str:
    """A flow's namespace and id as a Python name: `company.team` and `pip` give `company_team_pip`."""
    return re.sub(r"\W", "_", f"{namespace}.{flow_id}", flags=re.ASCII)


def parameter_name(input_id: str) -> str:
    """An input's id as a Python name that Prefect accepts: `my-file` is `my_file`."""
    name = re.sub(r"\W", "_", input_id, flags=re.ASCII).lstrip("_")
    is_taken = keyword.iskeyword(name) or name in {"return_state", "wait_for", "v__args"}
    return f"input_{name}" if name[:1].isdigit() or is_taken else name
