"""Keys of objects: which of them a listing shows, and where they go when they are moved."""

from __future__ import annotations


def is_shown(key: str, prefix: str | None, delimiter: str | None = None) -> bool:
    """Whether a listing shows the key; what lies behind the delimiter is grouped away."""
    below = prefix or ""
    return key.startswith(below) and not (delimiter and delimiter in key[len(below) :])


def in_folder(folder: str, name: str) -> str:
    """The key of a name in a folder, with one slash between them."""
    base = folder.rstrip("/")
    return f"{base}/{name}" if base else name


def moved_key(folder: str, key: str, prefix: str | None, *, base_name_only: bool = False) -> str:
    """Where an object goes that is moved to a folder: its path below the prefix is kept.

    A prefix counts up to its last slash, and as a whole where it is the name of a folder: below `in`, `in/a/x.csv`
    becomes `a/x.csv`, and `input/x.csv` stays as it is. base_name_only: as Kestra does, which keeps the last part.
    """
    if base_name_only:
        return in_folder(folder, key.rpartition("/")[2])
    below = prefix or ""
    start = below if below.endswith("/") or not key.startswith(f"{below}/") else f"{below}/"
    return in_folder(folder, key[start.rfind("/") + 1 :])
