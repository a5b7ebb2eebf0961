"""The flows of a template: each loaded once, and again when its file has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import prefect

from wdprefect.errors import InvalidFlow, Position, Problem, WdprefectError
from wdprefect.execution.runners import choose_options
from wdprefect.loader import load_file, load_text
from wdprefect.on_prefect.blocks import prefect_block
from wdprefect.on_prefect.flow import Alone, make_prefect_flow
from wdprefect.on_prefect.warm.owner import Owner


@dataclass(frozen=True, slots=True)
class Loading:
    """How flows are made: as in `wdprefect.run`; alone as in `make_prefect_flow`."""

    storage: str | None
    runner: str | None
    alone: Alone


@dataclass(frozen=True, slots=True)
class _Loaded:
    content: bytes | None
    made: prefect.Flow[..., Any] | WdprefectError


class WarmFlows:
    """The flows in files, by their names `<namespace>.<id>`."""

    def __init__(self, files: Mapping[str, Path], loading: Loading) -> None:
        self._files, self._loading = files, loading
        self._loaded: dict[str, _Loaded] = {}

    @classmethod
    def of(cls, settings: Mapping[str, Any], owner: Owner) -> WarmFlows:
        """The flows that a template's settings name, for the runs of an owner."""
        loading = Loading(settings["storage"], settings["runner"], owner.alone())
        return cls({name: Path(file) for name, file in settings["flows"].items()}, loading)

    def load(self) -> dict[str, str]:
        """Load all; returns what keeps flows from running, by name."""
        found = {name: self.find(name) for name in self._files}
        return {name: str(made) for name, made in found.items() if isinstance(made, WdprefectError)}

    def find(self, name: str) -> prefect.Flow[..., Any] | WdprefectError:
        """The flow as its file is now, or why it cannot run."""
        content = _content(self._files[name])
        loaded = self._loaded.get(name)
        if loaded is None or loaded.content != content:
            loaded = self._loaded[name] = _Loaded(content, self._made(name, content))
        return loaded.made

    def _made(self, name: str, content: bytes | None) -> prefect.Flow[..., Any] | WdprefectError:
        file = self._files[name]
        try:
            flow = load_file(file) if content is None else load_text(content, str(file))
            if flow.name != name:
                message = f"the file holds the flow '{flow.name}', not '{name}'"
                raise InvalidFlow([Problem(Position(str(file), 1, 1), "WD422", message)])
            options = replace(choose_options(flow, self._loading.runner), block=prefect_block)
            return make_prefect_flow(flow, options, self._loading.storage, alone=self._loading.alone)
        except WdprefectError as error:
            return error


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
