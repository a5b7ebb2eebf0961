"""Type name → class. The name is the address: nothing is registered.

`io.kestra.plugin.scripts.shell.Commands` is the class `Commands` of `wdprefect.plugins.scripts.shell`. Another package
adds types by an entry point of the group `wdprefect.plugins`: its name is a prefix of type names, its value a package.
"""

from __future__ import annotations

import importlib
import keyword
import pkgutil
import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points
from inspect import isabstract, isclass
from types import ModuleType
from typing import TypeVar

from wdprefect.model.node import Node

N = TypeVar("N", bound=Node)

PREFIX = "io.kestra.plugin"
PACKAGE = "wdprefect.plugins"
_NAME = re.compile(r"[a-z][\w-]*(\.[a-z][\w-]*)+\.[A-Z]\w*", re.ASCII)


def find_type(name: str, kind: type[N]) -> type[N] | None:
    """The class of that kind which the type name stands for; None where there is none.

    Only modules below the packages of plug-ins are imported, whatever the name.
    """
    if not _NAME.fullmatch(name):
        return None
    module_name, _, class_name = name.rpartition(".")
    address = _address(module_name)
    module = _module(address) if address else None
    found = getattr(module, class_name, None)
    if not isclass(found) or not issubclass(found, kind) or isabstract(found):
        return None
    return found if f"{found.__module__}.".startswith(f"{address}.") else None


def all_types(kind: type[N]) -> dict[str, type[N]]:
    """Every type of that kind by its name, sorted. Imports all plug-ins."""
    found: dict[str, type[N]] = {}
    for prefix, package in [(PREFIX, PACKAGE), *_installed()]:
        for module in _modules(package):
            for name, value in vars(module).items():
                spelled = _spelled(prefix, package, module.__name__, name)
                cls = find_type(spelled, kind) if isclass(value) and not name.startswith("_") else None
                if cls is not None and cls is value:
                    found[spelled] = cls
    return dict(sorted(found.items()))


def nearest_types(name: str, kind: type[Node]) -> list[str]:
    """Up to three existing type names that look like `name`."""
    known = all_types(kind)
    last = name.rpartition(".")[2]
    # Half of every name is `io.kestra.plugin`, so that only very much alike is alike.
    near = get_close_matches(name, known, n=3, cutoff=0.9)
    return near or [known_name for known_name in known if known_name.rpartition(".")[2] == last][:3]


def _address(module_name: str) -> str | None:
    for prefix, package in [(PREFIX, PACKAGE), *_installed()]:
        if module_name.startswith(prefix + "."):
            rest = module_name[len(prefix) + 1 :].replace("-", "_").split(".")
            return ".".join([package, *(_identifier(part) for part in rest)])
    return None


def _identifier(part: str) -> str:
    return part + "_" if keyword.iskeyword(part) else part


def _module(address: str) -> ModuleType | None:
    try:
        return importlib.import_module(address)
    except ModuleNotFoundError as error:
        if error.name is not None and (address == error.name or address.startswith(error.name + ".")):
            return None
        raise


def _modules(package: str) -> Iterator[ModuleType]:
    root = importlib.import_module(package)
    yield root
    for info in pkgutil.walk_packages(root.__path__, package + "."):
        if not info.name.rpartition(".")[2].startswith("_"):
            yield importlib.import_module(info.name)


def _spelled(prefix: str, package: str, module: str, name: str) -> str:
    rest = [part.rstrip("_") for part in module[len(package) :].split(".") if part]
    return ".".join([prefix, *rest, name])


@cache
def _installed() -> list[tuple[str, str]]:
    return sorted((point.name, point.value) for point in entry_points(group="wdprefect.plugins"))
