"""The packages that a Python task asks for: an environment for a process, a folder for a container, both kept."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from wdprefect.errors import TaskFailed
from wdprefect.model.context import RunContext
from wdprefect.plugins.scripts._installer import Installer, index_settings, pip_settings, run_program
from wdprefect.plugins.scripts._kept_folders import Kept, Recipe, keep
from wdprefect.plugins.scripts._requirements import is_pinned
from wdprefect.storage.content_store import cache_folder

# How long versions hold that the requirements leave open.
LIFETIME = timedelta(days=1)
# What Kestra takes for an image whose name says nothing.
DEFAULT_VERSION = "3.13"
_IMAGE = re.compile(r"(?:^|/)python:(?P<version>[2-9]\d*(?:\.\d+)*)(?P<rest>[^@]*)")
_IDENTITY = (
    "import json, platform, sys, sysconfig; print(json.dumps([sys.executable, sys.base_prefix, "
    "sys.implementation.name, platform.python_version(), sysconfig.get_platform()]))"
)


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What a task asks for.

    python: the version, as it says it. by_pip: whether pip installs. is_kept: whether what is made serves others.
    """

    requirements: list[str]
    python: str | None
    by_pip: bool
    is_kept: bool


def environment(wanted: Dependencies, ctx: RunContext, env: Mapping[str, str], scratch: Path) -> Path:
    """A virtual environment of this machine with the packages.

    env: the variables of the task, which may say where packages come from. Raises TaskFailed.
    """
    settings = index_settings({**os.environ, **env})
    identity = [wanted.python] if wanted.python else _identity(ctx, env)
    python = str(identity[0])

    def make(folder: Path) -> None:
        installer = Installer(ctx, settings | pip_settings(env), scratch, folder.parent)
        installer.make_environment(folder, python)
        own = folder / "bin" / "python"
        if wanted.by_pip:
            installer.install_by_pip(wanted.requirements, own)
        else:
            installer.install(wanted.requirements, f"--python={own}")
            installer.add_pip(own)

    return _made(wanted, [*identity, platform.machine(), settings], ctx, scratch, make, "bin/python")


def _identity(ctx: RunContext, env: Mapping[str, str]) -> list[Any]:
    """Which Python `python` is: its path, and what tells it from others."""
    path = {"PATH": env["PATH"]} if "PATH" in env else {}
    said: list[str] = []
    status = run_program(ctx, ["python", "-I", "-c", _IDENTITY], path, lambda _, line: said.append(line))
    try:
        found: list[Any] = [] if status else json.loads(said[-1])
    except (IndexError, ValueError):
        found = []
    if not found:
        raise TaskFailed("\n    ".join(["the program 'python' on the PATH is no Python that works", *said[-1:]]))
    return found


def packages(wanted: Dependencies, image: str, ctx: RunContext, env: Mapping[str, str], scratch: Path) -> Path:
    """A folder in `scratch` with the packages for the Python of a container image.

    Only what is built already is installed: what this machine would build might not run there. Raises TaskFailed.
    """
    settings = index_settings({**os.environ, **env})
    version, system = wanted.python or image_version(image), image_system(image)
    if version is None:
        version = DEFAULT_VERSION
        step = f"say 'pythonVersion' if it is not {version}"
        ctx.log.write("WARN", f"the image '{image}' does not tell its version of Python: {step}")
    if wanted.by_pip:
        ctx.log.write("WARN", "for a container uv installs the dependencies, whatever 'packageManager' says")
    target = (f"--python-version={version}", f"--python-platform={system}", "--only-binary=:all:")

    def make(folder: Path) -> None:
        installer = Installer(ctx, settings, scratch, folder.parent)
        installer.install(wanted.requirements, f"--python={sys.executable}", f"--target={folder}", *target)

    found = _made(wanted, [version, system, settings], ctx, scratch, make, ".")
    # What a container does to them stays with it.
    return Path(shutil.copytree(found, scratch / "packages", symlinks=True))


def image_version(image: str) -> str | None:
    """The version of Python that an image has by its name: `python:3.12-slim`."""
    match = _IMAGE.search(image)
    return match["version"] if match else None


def image_system(image: str) -> str:
    """The system of an image as uv calls it; the engine is taken to run on a machine like this one."""
    machine = "aarch64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"
    match = _IMAGE.search(image)
    return f"{machine}-unknown-linux-{'musl' if match and 'alpine' in match['rest'] else 'gnu'}"


def _made(
    wanted: Dependencies,
    surroundings: list[Any],
    ctx: RunContext,
    scratch: Path,
    make: Callable[[Path], None],
    proof: str,
) -> Path:
    """The folder that `make` fills, or one that it filled before for the same; what happened is logged and counted."""
    begin = time.monotonic()
    if wanted.is_kept:
        key = json.dumps([wanted.requirements, wanted.by_pip, *surroundings], sort_keys=True)
        lifetime = None if is_pinned(wanted.requirements) else LIFETIME
        recipe = Recipe(hashlib.sha256(key.encode()).hexdigest()[:32], make, proof, lifetime)
        kept = keep(cache_folder() / "python", recipe, ctx.stop)
    else:
        folder = scratch / "environment"
        folder.mkdir(parents=True)
        make(folder)
        kept = Kept(folder, is_new=True)
    ctx.metrics.add("counter", "deps.cache.miss" if kept.is_new else "deps.cache.hit", 1, {})
    if kept.is_new:
        seconds = time.monotonic() - begin
        ctx.metrics.add("timer", "deps.install.duration", seconds, {})
        ctx.log.write("INFO", f"made the environment of {_content(wanted)} in {seconds:.1f} s")
    elif kept.failure:
        reason = kept.failure.headline.partition("\n")[0]
        ctx.log.write("WARN", f"{reason}: those of an earlier run are used, which should be made anew each day")
    else:
        ctx.log.write("DEBUG", f"the environment of {_content(wanted)} was there already")
    return kept.path


def _content(wanted: Dependencies) -> str:
    count = len(wanted.requirements)
    if not count:
        return f"Python {wanted.python}"
    return "1 dependency" if count == 1 else f"{count} dependencies"
