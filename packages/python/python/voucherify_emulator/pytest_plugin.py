"""The pytest plugin: the fixtures `voucherify_emulator` and `voucherify_project`.

The emulator is started by the first test that uses it. With pytest-xdist, the process that controls the workers starts
it when the first worker asks for it, so that all workers share one emulator, which runs until the last of them ends.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from typing import TYPE_CHECKING, Any

import pytest

from . import EmulatorError, StartError, connect, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from . import Emulator, Project, StartOptions

OPTION = "voucherify_emulator_url"
# The member of an xdist worker's input that has the address and the secret of `SharedEmulators`.
WORKER_INPUT = "voucherify_emulator"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option and the setting `voucherify_emulator_url`."""
    text = "URL of a running emulator for the fixture voucherify_emulator, which then starts none"
    parser.getgroup("voucherify-emulator").addoption("--voucherify-emulator-url", dest=OPTION, metavar="URL", help=text)
    parser.addini(OPTION, text)


@pytest.fixture(scope="session")
def voucherify_emulator_options() -> StartOptions:
    """The options of `voucherify_emulator.start` for the emulator. Override this fixture to set some."""
    return {}


@pytest.fixture(scope="session")
def voucherify_emulator(pytestconfig: pytest.Config, voucherify_emulator_options: StartOptions) -> Iterator[Emulator]:
    """An emulator, which all tests of the run share: a new one, or the one of `--voucherify-emulator-url`."""
    url = pytestconfig.getoption(OPTION) or pytestconfig.getini(OPTION)
    shared = getattr(pytestconfig, "workerinput", {}).get(WORKER_INPUT)
    if url:
        yield connect(url)
    elif shared:
        yield connect(_shared_url(port=shared[0], secret=shared[1], options=voucherify_emulator_options))
    else:
        with start(**voucherify_emulator_options) as emulator:
            yield emulator


@pytest.fixture
def voucherify_project(voucherify_emulator: Emulator) -> Project:
    """A project of its own for each test, with fresh keys. It is empty, or starts with the template of the emulator."""
    return voucherify_emulator.project()


class SharedEmulators:
    """Starts the emulator of a run with pytest-xdist, in the process that controls the workers, when one asks for it.

    Workers ask on a loopback address, with a secret. They send the options, because only they have the fixtures.
    """

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._listener = Listener(("127.0.0.1", 0), backlog=128, authkey=self._secret)
        self._emulators: list[tuple[StartOptions, Emulator]] = []
        self._thread = threading.Thread(target=self._serve, name="voucherify-emulator", daemon=True)
        self._thread.start()

    @property
    def worker_input(self) -> tuple[int, bytes]:
        """The port and the secret, for a worker."""
        port: int = self._listener.address[1]
        return port, self._secret

    def close(self) -> None:
        """Stops the emulators."""
        with Client(self._listener.address, authkey=self._secret) as connection:
            connection.send(None)
        self._thread.join()
        self._listener.close()
        for _, emulator in self._emulators:
            emulator.stop()

    def _serve(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except (OSError, EOFError, AuthenticationError):
                continue
            # Whatever fails, it fails for the worker that asks, and others can still ask.
            with connection, contextlib.suppress(Exception):
                options = connection.recv()
                if options is None:
                    return
                connection.send(self._answer(options))

    def _answer(self, options: StartOptions) -> tuple[str, str]:
        """Returns the URL of the emulator with these options, or the message of the error."""
        for known, emulator in self._emulators:
            if known == options:
                return emulator.url, ""
        try:
            emulator = start(**options)
        except Exception as error:
            return "", str(error) if isinstance(error, EmulatorError) else repr(error)
        self._emulators.append((options, emulator))
        return emulator.url, ""


def _shared_url(port: int, secret: bytes, options: StartOptions) -> str:
    with Client(("127.0.0.1", port), authkey=secret) as connection:
        connection.send(options)
        url, message = connection.recv()
    if message:
        raise StartError(message)
    return str(url)


_shared = pytest.StashKey[SharedEmulators]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Gives a worker of pytest-xdist what it needs to ask for the emulator."""
    stash = node.config.stash
    if _shared not in stash:
        stash[_shared] = SharedEmulators()
    node.workerinput[WORKER_INPUT] = stash[_shared].worker_input


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops the emulators that the workers of pytest-xdist have shared."""
    shared = config.stash.get(_shared, None)
    if shared is not None:
        shared.close()
