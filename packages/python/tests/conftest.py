"""Fixtures of the tests of this package."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["pytester"]


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A temporary directory that every user can enter. PostgreSQL of root runs as another user."""
    directory = Path(tempfile.mkdtemp(prefix="voucherify-emulator-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)
