"""`io.kestra.plugin.core.flow`: tasks that run tasks."""

from wdprefect.plugins.core.flow._beside import Dag, DagTask, Parallel
from wdprefect.plugins.core.flow._choices import If, Switch
from wdprefect.plugins.core.flow._directory import WorkingDirectory
from wdprefect.plugins.core.flow._loops import EachParallel, EachSequential, ForEach
from wdprefect.plugins.core.flow._sequences import AllowFailure, Sequential
from wdprefect.plugins.core.flow._sleep import Sleep

__all__ = [
    "AllowFailure",
    "Dag",
    "DagTask",
    "EachParallel",
    "EachSequential",
    "ForEach",
    "If",
    "Parallel",
    "Sequential",
    "Sleep",
    "Switch",
    "WorkingDirectory",
]
