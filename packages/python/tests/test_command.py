"""Tests of the command, which is also `python -m voucherify_emulator`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from support import only_temporary_files_in
from voucherify_emulator import __version__, _postgres, _program, connect

INSTALLED = Path(sysconfig.get_path("scripts")) / "voucherify-emulator"
COMMANDS = [
    pytest.param([sys.executable, "-m", "voucherify_emulator"], id="module"),
    pytest.param(
        [str(INSTALLED)],
        id="command",
        marks=pytest.mark.skipif(not INSTALLED.exists(), reason="the package is not installed"),
    ),
]
# No PostgreSQL is in these directories on the machines that test this package.
EMPTY_PATH = "/nonexistent"


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("POSTGRES_BIN", "DATABASE_URL"))}
    return subprocess.run(
        command,
        env={**kept, "PATH": EMPTY_PATH, **environment},
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_the_program(command: list[str]) -> None:
    answer = run([*command, "--version"])
    assert (answer.returncode, answer.stdout) == (0, f"voucherify-emulator {__version__}\n")
    assert "--ephemeral" in run([*command, "--help"]).stdout
    refused = run([*command, "--no-such-option"])
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--no-such-option" in refused.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_command_runs_the_server_on_the_packaged_postgresql(command: list[str], open_directory: Path) -> None:
    environment = {**os.environ, **only_temporary_files_in(open_directory), "PATH": EMPTY_PATH}
    with subprocess.Popen(
        [*command, "--ephemeral", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().rsplit(" ", 1)[1].strip()
            assert connect(url).health()["status"] == "ok"
            # The process itself is the program, so it receives the signals.
            assert sys.platform != "linux" or Path(f"/proc/{process.pid}/exe").samefile(_program.find())
            [version] = open_directory.glob("voucherify-emulator-ephemeral-*/postgres/PG_VERSION")
            assert version.read_text().strip() == "18"
            process.send_signal(signal.SIGTERM)
            assert process.stdout.read() == ""
            assert process.wait(20) == 0
        finally:
            process.kill()
    assert not list(open_directory.iterdir())


@pytest.mark.parametrize("command", COMMANDS)
def test_chosen_postgresql_takes_precedence(command: list[str], tmp_path: Path) -> None:
    options = ["--ephemeral", "--listen", "127.0.0.1:0"]
    for answer in (
        run([*command, *options, "--postgres-bin", str(tmp_path)]),
        run([*command, *options], VOUCHERIFY_EMULATOR_POSTGRES_BIN=str(tmp_path)),
    ):
        assert answer.returncode == 1
        assert str(tmp_path) in answer.stderr


def test_command_without_a_program_says_so(tmp_path: Path) -> None:
    answer = run([sys.executable, "-m", "voucherify_emulator"], VOUCHERIFY_EMULATOR_BINARY=str(tmp_path / "none"))
    assert answer.returncode == 1
    assert answer.stderr == f"voucherify-emulator: there is no program {tmp_path / 'none'}\n"
    text = tmp_path / "text"
    text.write_text("not a program")
    answer = run([sys.executable, "-m", "voucherify_emulator"], VOUCHERIFY_EMULATOR_BINARY=str(text))
    assert answer.returncode == 1
    assert answer.stderr == f"voucherify-emulator: cannot run {text}: Permission denied\n"


def test_tests_have_no_other_postgresql() -> None:
    assert shutil.which("postgres", path=EMPTY_PATH) is None
    assert _postgres.bin_directory() is not None
