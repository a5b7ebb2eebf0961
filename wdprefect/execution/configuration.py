"""What a project configures: the table `[tool.wdprefect]` of its pyproject.toml.

    [tool.wdprefect]
    runner = "docker"                   # for tasks that name none; "process" otherwise
    namespace-files = "namespaces"      # the folder with `<namespace>/…` files

    [tool.wdprefect.docker]
    host = "docker-host/build"          # an address, or a DockerHost block of Prefect; the usual engine otherwise
    credentials = ["docker-registry-credentials/ours"]
    allow = ["volumes"]                 # what flows may ask for: see Allowed

It is the first pyproject.toml with such a table in the current directory or above it, or the file that WDPREFECT_CONFIG
names. Whoever starts the run or the worker decides, not whoever wrote the flow.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wdprefect.errors import UsageError

# What reaches beyond a container. A volume may be any folder of the engine's machine.
Allowed = Literal["volumes", "privileged", "host-network", "socket", "host"]


class _Table(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=False, alias_generator=lambda name: name.replace("_", "-")
    )


class Docker(_Table):
    """Which engine and registries are used, and what flows may ask for.

    host: an address or `docker-host/<block>`. credentials: blocks, `docker-registry-credentials/<block>`.
    """

    host: str | None = None
    credentials: tuple[Annotated[str, Field(pattern="^docker-registry-credentials/.")], ...] = ()
    allow: frozenset[Allowed] = frozenset()


class Configuration(_Table):
    """A project's configuration. namespace_files: the folder, absolute."""

    runner: Literal["process", "docker"] = "process"
    namespace_files: Path | None = None
    docker: Docker = Docker()


NOTHING_CONFIGURED = Configuration()


def read_configuration() -> Configuration:
    """The configuration that holds in the current directory.

    Raises UsageError with the file's name, and the key for what is none.
    """
    named = os.environ.get("WDPREFECT_CONFIG")
    if named:
        return _configuration(Path(named), _table(Path(named)))
    folder = Path.cwd()
    for path in [folder, *folder.parents]:
        file = path / "pyproject.toml"
        if file.is_file() and (table := _table(file)):
            return _configuration(file, table)
    return NOTHING_CONFIGURED


def _table(file: Path) -> Any:
    try:
        text = file.read_text(encoding="utf-8")
        # Most have no such table, and need not be read as TOML.
        return _toml(text).get("tool", {}).get("wdprefect", {}) if "wdprefect" in text else {}
    except OSError as error:
        raise UsageError(f"the configuration '{file}' cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"the configuration '{file}' is no TOML: {error}") from None


def _toml(text: str) -> dict[str, Any]:
    # Not at the top: few projects have a table of ours.
    reader = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    found: dict[str, Any] = reader.loads(text)
    return found


def _configuration(file: Path, table: Any) -> Configuration:
    try:
        found = Configuration.model_validate(table)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        key = ".".join(["tool.wdprefect", *map(str, wrong["loc"])])
        raise UsageError(f"{file}: '{key}': {wrong['msg'][0].lower()}{wrong['msg'][1:]}") from None
    folder = found.namespace_files
    return found.model_copy(update={"namespace_files": (file.parent / folder).absolute()}) if folder else found
