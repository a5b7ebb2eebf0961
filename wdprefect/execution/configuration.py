"""What a project configures: the table `[tool.wdprefect]` of its pyproject.toml.

    [tool.wdprefect]
    runner = "docker"                   # for tasks that name none; "process" otherwise
    namespace-files = "namespaces"      # the folder with `<namespace>/…` files
    book = "sqlite:///intake.db"        # or a PostgreSQL: what was taken in; a file in the user's home otherwise

    [tool.wdprefect.docker]
    host = "docker-host/build"          # an address, or a DockerHost block of Prefect; the usual engine otherwise
    credentials = ["docker-registry-credentials/ours"]
    allow = ["volumes"]                 # what flows may ask for: see Allowed

It is the first pyproject.toml with such a table in the current directory or above it, or the file that WDPREFECT_CONFIG
names. Whoever starts the run or the worker decides, not whoever wrote the flow.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from wdprefect.errors import UsageError

_NAME = re.compile(r"tool\W+wdprefect|^\s*\[\s*tool\s*\]", re.MULTILINE)
# How the URL of a file begins.
_SQLITE = "sqlite:///"
# How a table is read; the classes are not made ready for it before there is one, which takes longer than all the rest.
_READ = ConfigDict(extra="forbid", alias_generator=lambda name: name.replace("_", "-"))
# What reaches beyond a container. A volume may be any folder of the engine's machine.
Allowed = Literal["volumes", "privileged", "host-network", "socket", "host"]


@dataclass(frozen=True, slots=True)
class Docker:
    """Which engine and registries are used, and what flows may ask for.

    host: an address or `docker-host/<block>`. credentials: blocks, `docker-registry-credentials/<block>`.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _READ

    host: str | None = None
    credentials: tuple[Annotated[str, Field(pattern="^docker-registry-credentials/.")], ...] = ()
    allow: frozenset[Allowed] = frozenset()


@dataclass(frozen=True, slots=True)
class Configuration:
    """A project's configuration. namespace_files: the folder, absolute. book: a URL, a file's path in it absolute."""

    __pydantic_config__: ClassVar[ConfigDict] = _READ

    runner: Literal["process", "docker"] = "process"
    namespace_files: Path | None = None
    docker: Docker = field(default_factory=Docker)
    book: str | None = None


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
        return _toml(text).get("tool", {}).get("wdprefect", {}) if _NAME.search(text) else {}
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
        found = TypeAdapter(Configuration).validate_python(table)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        key = ".".join(["tool.wdprefect", *map(str, wrong["loc"])])
        raise UsageError(f"{file}: '{key}': {wrong['msg'][0].lower()}{wrong['msg'][1:]}") from None
    if found.namespace_files:
        found = replace(found, namespace_files=(file.parent / found.namespace_files).absolute())
    if found.book and found.book.startswith(_SQLITE):
        path = (file.parent / found.book.removeprefix(_SQLITE)).absolute()
        found = replace(found, book=f"{_SQLITE}{path}")
    return found
