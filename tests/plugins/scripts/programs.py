"""The programs of languages, which a machine may have or not."""

from __future__ import annotations

import shutil

from tests.servers.needed import is_missing
from wdprefect.plugins.scripts._language import Language


def skip_without(language: Language) -> None:
    """Skip the test where this machine cannot run the language; a shell and Python are always there."""
    if language.program.isalpha() and shutil.which(language.program) is None:
        is_missing(f"there is no program '{language.program}': run scripts/system-packages.sh")
