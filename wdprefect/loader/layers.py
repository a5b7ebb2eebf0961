"""What an object is put together from: its own properties, the defaults under them, the forced ones over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wdprefect.loader.places import Path

DEFAULTS = "pluginDefaults"


@dataclass(frozen=True, slots=True)
class Layer:
    """A value, and its path in the flow."""

    value: Any
    path: Path

    @property
    def is_default(self) -> bool:
        """Whether it is, or lies in, an entry of `pluginDefaults`."""
        return self.path[:1] == (DEFAULTS,)


@dataclass(frozen=True, slots=True)
class Layers:
    """Values that are laid over each other, the weakest first: maps are merged, lists are put one after the other."""

    layers: tuple[Layer, ...]

    @classmethod
    def of(cls, value: Any, path: Path) -> Layers:
        """A single value."""
        return cls((Layer(value, path),))

    @property
    def path(self) -> Path:
        """Where the object itself lies: in the defaults only when nothing else makes it up."""
        own = [layer.path for layer in self.layers if not layer.is_default]
        return (own or [layer.path for layer in self.layers])[-1]

    def merged(self) -> Any:
        """The value that they come to."""
        values = [layer.value for layer in self.layers]
        if len(values) == 1:
            return values[0]
        if isinstance(values[0], list):
            return [item for value in values for item in value]
        return {key: self.inside(key).merged() for value in values for key in value}

    def inside(self, step: str | int) -> Layers:
        """The layers of a part; none where there is no such part."""
        return Layers(self._item(step) if isinstance(step, int) else self._property(step))

    def origin(self, where: Path) -> Path:
        """The path in the flow of what has the path `where` in the merged value; what is missing is the object's."""
        found = self
        for i, step in enumerate(where):
            inner = found.inside(step)
            if not inner.layers:
                return (*found.path, *where[i:])
            found = inner
        return found.path

    def _item(self, number: int) -> tuple[Layer, ...]:
        for layer in self.layers:
            if not isinstance(layer.value, list):
                break
            if number < len(layer.value):
                return (Layer(layer.value[number], (*layer.path, number)),)
            number -= len(layer.value)
        return ()

    def _property(self, name: str) -> tuple[Layer, ...]:
        found: list[Layer] = []
        for layer in self.layers:
            if isinstance(layer.value, dict) and name in layer.value:
                value = layer.value[name]
                if found and not _merge(found[-1].value, value):
                    found.clear()
                found.append(Layer(value, (*layer.path, name)))
        return tuple(found)


def _merge(under: Any, over: Any) -> bool:
    return any(isinstance(under, kind) and isinstance(over, kind) for kind in (dict, list))
