"""Kestra's names as Python names, which is what entrypoints and parameters are."""

from __future__ import annotations

import keyword
import re

from pydantic import BaseModel


def entrypoint_name(namespace: str, flow_id: str) -> str:
    """A flow's namespace and id as a Python name: `company.team` and `pip` give `company_team_pip`."""
    return re.sub(r"\W", "_", f"{namespace}.{flow_id}", flags=re.ASCII)


def parameter_name(input_id: str) -> str:
    """An input's id as a Python name that Prefect accepts: `my-file` is `my_file`."""
    name = re.sub(r"\W", "_", input_id, flags=re.ASCII).lstrip("_")
    return f"input_{name}" if name[:1].isdigit() or _is_taken(name) else name


def _is_taken(name: str) -> bool:
    """Whether Python, Prefect, or the pydantic model of a call means something else by the name."""
    is_of_model = name.startswith("model_") and hasattr(BaseModel, name)
    is_of_call = name in {"return_state", "wait_for", "Config"} or name.startswith("v__")
    return keyword.iskeyword(name) or is_of_model or is_of_call
