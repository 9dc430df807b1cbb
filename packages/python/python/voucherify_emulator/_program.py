"""Finds the program of the emulator."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

from .errors import StartError

NAME = "voucherify-emulator"
VARIABLE = "VOUCHERIFY_EMULATOR_BINARY"


def find(program: str | os.PathLike[str] | None = None) -> Path:
    """Returns the path of the program: the given one, that of `VOUCHERIFY_EMULATOR_BINARY`, or the one in this package.

    Raises:
        StartError: There is no such file.
    """
    chosen = program or os.environ.get(VARIABLE)
    if chosen:
        path = Path(chosen).absolute()
        if path.is_file():
            return path
        raise StartError(f"there is no program {path}")
    places = [
        Path(__file__).parent / "bin" / NAME,
        # Where maturin installs it in the environment of a developer.
        Path(sysconfig.get_path("scripts")) / NAME,
    ]
    for path in places:
        if path.is_file() and not _is_script(path):
            return path
    raise StartError(
        f"the program {NAME} is not in this package ({places[0]}). "
        f"Install a wheel of voucherify-emulator, or set {VARIABLE} to the program"
    )


def _is_script(path: Path) -> bool:
    """Returns whether the file is the command of this package, which starts the program."""
    with path.open("rb") as file:
        return file.read(2) == b"#!"
