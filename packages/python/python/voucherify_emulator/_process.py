"""Runs the program as a child process that ends with this one, however this one ends."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import threading
import weakref
from typing import IO, TYPE_CHECKING

from .errors import StartError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

READY_LINE = re.compile(rb"^voucherify-emulator ready on (https?://\S+)")
MESSAGE_PREFIX = "voucherify-emulator: "
MAX_LOG_BYTES = 64 * 1024
# The program promises to stop within eight seconds.
STOP_TIMEOUT_S = 10.0
TERMINATE_TIMEOUT_S = 3.0


class Log:
    """The end of what a process has written."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._is_cut = False
        self._lock = threading.Lock()

    def add(self, data: bytes) -> None:
        """Adds what was written, and drops the oldest bytes beyond the limit."""
        with self._lock:
            self._bytes += data
            if len(self._bytes) > MAX_LOG_BYTES:
                del self._bytes[:-MAX_LOG_BYTES]
                self._is_cut = True

    def text(self) -> str:
        """Returns the whole lines that are kept."""
        with self._lock:
            text, is_cut = self._bytes.decode("utf-8", "replace"), self._is_cut
        return text.partition("\n")[2] if is_cut else text


class ServerProcess:
    """A running program.

    Its standard input is a pipe, and it stops when the pipe is closed (`--stop-with-stdin`). The system closes the pipe
    when this process ends, also when it is killed.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.url = ""
        self.log = Log()
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._started = threading.Event()
        read_end, write_end = os.pipe()
        self._pipe: int | None = write_end
        try:
            self._process = subprocess.Popen(
                command,
                stdin=read_end,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                # Ctrl+C in a terminal is for this process, which stops the emulator when its tests have ended.
                start_new_session=True,
            )
        except OSError as error:
            os.close(write_end)
            raise StartError(f"cannot run {command[0]}: {error.strerror}") from error
        finally:
            os.close(read_end)
        _processes.add(self)
        self._readers = [
            threading.Thread(target=target, args=(stream,), name="voucherify-emulator", daemon=True)
            for target, stream in ((self._read_output, self._process.stdout), (self._read_log, self._process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """The process ID."""
        return self._process.pid

    def wait_until_ready(self, timeout: float) -> None:
        """Waits for the ready line.

        Raises:
            StartError: The program has ended, or is not ready in time. It does not run any more.
        """
        if self._started.wait(timeout) and self.url:
            return
        has_ended = self._started.is_set()
        if has_ended:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(TERMINATE_TIMEOUT_S)
        status = self._process.poll()
        self.stop(timeout=0 if status is None else TERMINATE_TIMEOUT_S)
        for reader in self._readers:
            reader.join(TERMINATE_TIMEOUT_S)
        message = _message(self.log.text())
        if status is None:
            raise StartError(f"the emulator was not ready within {timeout:g} s: {message}")
        raise StartError(message or f"the emulator ended with the status {status} and without a message")

    def stop(self, timeout: float = STOP_TIMEOUT_S) -> None:
        """Stops the program, and waits until it has ended. A fork of the process that started it does nothing."""
        if os.getpid() != self._owner:
            return
        self.close_pipe()
        with self._lock:
            for signal, patience in ((None, timeout), (self._process.terminate, TERMINATE_TIMEOUT_S)):
                if signal is not None:
                    signal()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(patience)
                    break
            else:
                self._process.kill()
                self._process.wait()

    def close_pipe(self) -> None:
        """Closes the pipe, if it is open."""
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            os.close(pipe)

    def _read_output(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                ready = READY_LINE.match(line)
                if ready and not self.url:
                    self.url = ready[1].decode()
                    self._started.set()
        self._started.set()

    def _read_log(self, stream: IO[bytes]) -> None:
        with stream:
            while data := os.read(stream.fileno(), 65536):
                self.log.add(data)


def _message(log: str) -> str:
    """Returns the message with which the program has ended or, without one, the last lines of the log."""
    lines = log.strip().splitlines()
    for number, line in enumerate(lines):
        if line.startswith(MESSAGE_PREFIX):
            return "\n".join(lines[number:]).removeprefix(MESSAGE_PREFIX)
    return "\n".join(lines[-5:])


_processes: weakref.WeakSet[ServerProcess] = weakref.WeakSet()


def _close_pipes_after_fork() -> None:
    """Closes the pipes in a forked process, which would otherwise keep the emulators running after its parent."""
    for process in list(_processes):
        process.close_pipe()


os.register_at_fork(after_in_child=_close_pipes_after_fork)
