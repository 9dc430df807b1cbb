"""What several tests of this package use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def only_temporary_files_in(directory: Path) -> dict[str, str]:
    """Returns the environment in which an emulator has its temporary files in a directory, and nothing else there.

    Without a cache it makes no template of its database, which it would do in the same directory in the background.
    """
    return {"TMPDIR": str(directory), "XDG_CACHE_HOME": "/dev/null"}
