"""Tests of the start and the stop of an emulator."""

from __future__ import annotations

import contextlib
import gc
import inspect
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, get_type_hints

import pytest

import voucherify_emulator
from support import only_temporary_files_in
from voucherify_emulator import Emulator, EmulatorError, StartError, StartOptions, connect, start
from voucherify_emulator._process import MAX_LOG_BYTES, Log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CUSTOMER = {"source_id": "alice@morgan.com", "name": "Alice Morgan"}


def is_running(url: str) -> bool:
    try:
        connect(url)
    except EmulatorError:
        return False
    return True


def becomes_true(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_emulator_answers_until_its_context_ends() -> None:
    with start() as emulator:
        assert emulator.health() == {"status": "ok", "version": voucherify_emulator.__version__}
        assert emulator.url.startswith("http://127.0.0.1:")
        assert is_running(emulator.url)
    assert not is_running(emulator.url)
    emulator.stop()


def test_database_of_the_program_under_test_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://127.0.0.1:1/shop")
    monkeypatch.setenv("VOUCHERIFY_EMULATOR_DATA_DIR", "/nonexistent/data")
    monkeypatch.setenv("VOUCHERIFY_EMULATOR_LISTEN", "127.0.0.1:1")
    with start() as emulator:
        assert emulator.health()["status"] == "ok"


def test_state_is_kept_in_the_data_directory(open_directory: Path) -> None:
    directory = open_directory / "data"
    with start(data_dir=directory) as emulator:
        created = emulator.default_project.call("POST", "/v1/customers", CUSTOMER)
    with start(data_dir=directory) as emulator:
        assert emulator.default_project.call("GET", "/v1/customers/alice%40morgan.com")["id"] == created["id"]


def test_ephemeral_state_is_deleted_at_the_end(open_directory: Path) -> None:
    with start(ephemeral=True, env=only_temporary_files_in(open_directory)):
        assert list(open_directory.iterdir())
    assert not list(open_directory.iterdir())


def test_address_can_be_chosen() -> None:
    port = free_port()
    with start(port=port) as emulator:
        assert emulator.url == f"http://127.0.0.1:{port}"
        with pytest.raises(StartError, match=str(port)):
            start(listen=f"127.0.0.1:{port}")


def test_options_are_those_of_the_program(tmp_path: Path) -> None:
    template, state = tmp_path / "template.json", tmp_path / "state.json"
    template.write_text('{"customers": [{"source_id": "of the template"}]}')
    state.write_text('{"customers": [{"source_id": "of the state"}]}')
    with start(template=template, state=state, strict=True, request_log=1, args=["--rate-limit", "1000"]) as emulator:
        project = emulator.project()
        answer = project.call("GET", "/v1/customers")
        assert [customer["source_id"] for customer in answer["customers"]] == ["of the template"]
        assert emulator.default_project.state()["customers"][0]["source_id"] == "of the state"
        with pytest.raises(voucherify_emulator.ApiError) as refused:
            project.call("POST", "/v1/customers", {"surplus": 1})
        assert (refused.value.status, refused.value.key) == (400, "invalid_payload")
        assert len(project.requests()) == 1


def test_keys_that_nothing_has_created_are_refused_with_strict_auth() -> None:
    with start(
        strict_auth=True, env={"VOUCHERIFY_EMULATOR_APP_ID": "id", "VOUCHERIFY_EMULATOR_APP_TOKEN": "token"}
    ) as (emulator):
        assert emulator.project("id", "token").call("GET", "/v1/customers")["total"] == 0
        with pytest.raises(voucherify_emulator.ApiError, match="401"):
            emulator.project().call("GET", "/v1/customers")


def test_start_that_fails_has_the_message_of_the_program() -> None:
    with pytest.raises(StartError, match=r"/nonexistent/template\.json") as failed:
        start(template="/nonexistent/template.json")
    assert not str(failed.value).startswith("voucherify-emulator:")
    with pytest.raises(StartError, match="--no-such-option"):
        start(args=["--no-such-option"])


def test_database_is_named_where_other_users_cannot_read_it(tmp_path: Path) -> None:
    url = "postgres://shop:secret@127.0.0.1:1/shop"
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "$@"\necho "$DATABASE_URL" >&2\n')
    program.chmod(0o755)
    with pytest.raises(StartError, match=url):
        start(database_url=url, binary=program)
    program.write_text('#!/bin/sh\necho "$@" >&2\n')
    with pytest.raises(StartError) as failed:
        start(database_url=url, binary=program)
    assert "--stop-with-stdin" in str(failed.value)
    assert "secret" not in str(failed.value)
    assert "--ephemeral" not in str(failed.value)
    with pytest.raises(StartError, match="database cannot be reached"):
        start(database_url=url)


def test_missing_program_and_missing_postgresql_are_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="/nonexistent/program"):
        start(binary="/nonexistent/program")
    with pytest.raises(StartError, match=str(tmp_path)):
        start(postgres_bin=tmp_path)


def test_program_that_is_not_ready_in_time_is_ended(tmp_path: Path) -> None:
    program = tmp_path / "slow"
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\necho 'I am slow' >&2\ntrap '' TERM\nexec /bin/sleep 60\n")
    program.chmod(0o755)
    with pytest.raises(StartError, match=r"not ready within 0\.5 s: I am slow"):
        start(binary=program, timeout=0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    "options",
    [
        {"ephemeral": True, "data_dir": "d"},
        {"data_dir": "d", "database_url": "u"},
        {"listen": "127.0.0.1:0", "port": 1},
    ],
)
def test_options_that_exclude_each_other_are_refused(options: StartOptions) -> None:
    with pytest.raises(TypeError, match="exclude each other"):
        start(**options)


def test_options_of_the_fixture_are_those_of_start() -> None:
    assert list(StartOptions.__annotations__) == list(inspect.signature(start).parameters)


def test_emulator_that_is_not_used_any_more_is_stopped() -> None:
    project = start().project()
    gc.collect()
    assert is_running(project.url)
    url = project.url
    del project
    gc.collect()
    assert not is_running(url)


def test_connected_emulator_is_not_stopped(voucherify_emulator: Emulator) -> None:
    with connect(voucherify_emulator.url + "/") as connected:
        assert (connected.url, connected.pid, connected.log) == (voucherify_emulator.url, None, "")
    assert is_running(voucherify_emulator.url)
    with pytest.raises(EmulatorError, match="cannot be reached"):
        connect(f"http://127.0.0.1:{free_port()}")


def test_log_is_read_and_bounded() -> None:
    with start(args=["--log", "debug"]) as emulator:
        emulator.default_project.call("GET", "/v1/customers")
        assert becomes_true(lambda: "/v1/customers" in emulator.log)
    log = Log()
    for number in range(10_000):
        log.add(f"line {number}\n".encode())
    assert log.text().endswith("line 9999\n")
    assert MAX_LOG_BYTES - 20 < len(log.text()) <= MAX_LOG_BYTES
    assert all(line.startswith("line ") for line in log.text().splitlines())


PARENT = """
import os, sys, time
from voucherify_emulator import start
emulator = start()
{more}
print(emulator.url, flush=True)
{end}
"""


@pytest.mark.parametrize(
    ("more", "end"),
    [
        pytest.param("", "time.sleep(600)", id="killed"),
        pytest.param("", "pass", id="ended"),
        pytest.param("", "os._exit(3)", id="ended without handlers"),
        pytest.param("", "raise SystemError", id="failed"),
        pytest.param("child = os.fork()\nif child == 0: time.sleep(600)", "time.sleep(600)", id="killed with a fork"),
    ],
)
def test_emulator_ends_with_its_parent(open_directory: Path, more: str, end: str) -> None:
    script = PARENT.format(more=more, end=end)
    environment = {**os.environ, **only_temporary_files_in(open_directory)}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        try:
            if "sleep" in end:
                assert is_running(url)
                parent.kill()
            parent.wait(20)
            assert becomes_true(lambda: not is_running(url))
            # It was stopped gracefully: its directory is deleted.
            assert becomes_true(lambda: not list(open_directory.iterdir()))
        finally:
            # Ends the fork, which is in the process group of the parent.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(parent.pid, signal.SIGKILL)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_fork_does_not_stop_the_emulator() -> None:
    with start() as emulator:
        child = os.fork()
        if child == 0:
            emulator.stop()
            os._exit(0)
        os.waitpid(child, 0)
        assert is_running(emulator.url)


def test_interrupt_of_a_terminal_does_not_reach_the_emulator() -> None:
    with start() as emulator:
        assert emulator.pid is not None
        assert os.getpgid(emulator.pid) != os.getpgid(0)


def test_annotations_can_be_read() -> None:
    assert get_type_hints(connect)["return"] is Emulator
