"""A project of an emulator."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from . import _http
from ._controls import FaultControl, IdControl, ProjectClock
from .errors import ApiError, EmulatorTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voucherify.configuration import Configuration

    from ._emulator import Emulator
    from .types import (
        ErasureCheck,
        Kept,
        LoadedCounts,
        LoggedRequest,
        ProjectCounts,
        Snapshot,
        StateDocument,
    )

__all__ = ["Project"]

IDLE_RETRY_INTERVAL_S = 0.1


class Project:
    """A project: its keys, and what a test controls in it. No other project sees or changes it.

    Attributes:
        emulator: The emulator of the project, which runs at least as long as this object is used.
        url: The base URL for clients.
        app_id: The header `X-App-Id`.
        app_token: The header `X-App-Token`.
        client_app_id: The header `X-Client-Application-Id`.
        client_token: The header `X-Client-Token`.
        clock: The clock.
        ids: The identifiers.
        faults: The faults.
    """

    def __init__(self, emulator: Emulator, app_id: str, app_token: str, client_app_id: str, client_token: str) -> None:
        self.emulator = emulator
        self.url = emulator.url
        self.app_id = app_id
        self.app_token = app_token
        self.client_app_id = client_app_id
        self.client_token = client_token
        self.clock = ProjectClock(self.call)
        self.ids = IdControl(self.call)
        self.faults = FaultControl(self.call)

    def __repr__(self) -> str:
        return f"<Project {self.app_id} of {self.url}>"

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request to `/v1` and `/_emulator`."""
        return {"X-App-Id": self.app_id, "X-App-Token": self.app_token}

    @property
    def client_headers(self) -> dict[str, str]:
        """The headers of a request to `/client/v1`. The emulator requires a trusted `Origin` beside them."""
        return {"X-Client-Application-Id": self.client_app_id, "X-Client-Token": self.client_token}

    def sdk_configuration(self) -> Configuration:
        """Returns the configuration of the official SDK, the package `voucherify`, which must be installed."""
        from voucherify.configuration import Configuration

        return Configuration(host=self.url, api_key=self.headers)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        timeout: float = _http.DEFAULT_TIMEOUT_S,
    ) -> Any:
        """Calls any operation with the keys of the project, and returns the parsed answer, or `None` without a body.

        Args:
            method: The method, such as `POST`.
            path: The path, such as `/v1/customers`, percent-encoded.
            body: The body: bytes as they are, anything else as JSON. `None` sends none.
            query: Parameters of the query. Those that are `None` are left out.
            timeout: How long to wait for the answer, in seconds.

        Raises:
            ApiError: The call was refused.
        """
        return _http.call(self.url, method, path, headers=self.headers, query=query, body=body, timeout=timeout)

    def reset(self, keep: Iterable[Kept] = ()) -> ProjectCounts:
        """Empties the project, but for its keys, settings and snapshots and for what `keep` names.

        Returns what was removed.
        """
        answer = self.call("POST", "/_emulator/reset", {"keep": list(keep)})
        return cast("ProjectCounts", answer["removed"])

    def snapshot(self, name: str) -> Snapshot:
        """Stores the state of the project under a name, in place of an earlier snapshot of that name."""
        return cast("Snapshot", self.call("PUT", _snapshot(name)))

    def restore(self, name: str) -> Snapshot:
        """Restores a snapshot: the project is exactly as it was, with the same ids and times."""
        return cast("Snapshot", self.call("POST", f"{_snapshot(name)}/restore"))

    def snapshots(self) -> list[Snapshot]:
        """Returns the snapshots, newest first."""
        return cast("list[Snapshot]", self.call("GET", "/_emulator/snapshots")["data"])

    def delete_snapshot(self, name: str) -> None:
        """Deletes a snapshot."""
        self.call("DELETE", _snapshot(name))

    def state(self) -> StateDocument:
        """Returns the state of the project as one document."""
        return cast("StateDocument", self.call("GET", "/_emulator/state"))

    def load(
        self, state: StateDocument | Mapping[str, object] | str | os.PathLike[str], *, add: bool = False
    ) -> LoadedCounts:
        """Replaces the project by a state document, or adds one to it. Returns how many objects the document has.

        Args:
            state: The document, or the path of a file with one.
            add: Whether to keep what the project has.
        """
        body = Path(state).read_bytes() if isinstance(state, (str, os.PathLike)) else state
        answer = self.call("POST" if add else "PUT", "/_emulator/state", body)
        return cast("LoadedCounts", answer["counts"])

    def requests(
        self,
        *,
        method: str | None = None,
        path: str | None = None,
        operation: str | None = None,
        status: int | str | None = None,
        after: str | None = None,
        limit: int = 1000,
    ) -> list[LoggedRequest]:
        """Returns the requests of the log that match, newest first.

        Args:
            method: The method, such as `POST`.
            path: The path. `*` stands for one segment, and a last `**` for the rest.
            operation: The operation id of the contract, such as `create-customer`.
            status: A status such as 404, or a class such as `4xx`.
            after: The id of a request. Only those that ended after it match.
            limit: At most so many, from 1 to 1,000.
        """
        query = {
            "method": method,
            "path": path,
            "operation": operation,
            "status": status,
            "after": after,
            "limit": limit,
        }
        return cast("list[LoggedRequest]", self.call("GET", "/_emulator/requests", query=query)["data"])

    def request_count(
        self,
        *,
        method: str | None = None,
        path: str | None = None,
        operation: str | None = None,
        status: int | str | None = None,
        after: str | None = None,
    ) -> int:
        """Returns how many requests of the log match. The arguments are those of `requests`."""
        query = {"method": method, "path": path, "operation": operation, "status": status, "after": after}
        return cast("int", self.call("GET", "/_emulator/requests/count", query=query)["count"])

    def clear_requests(self) -> None:
        """Empties the log of requests."""
        self.call("DELETE", "/_emulator/requests")

    def idle(self, timeout: float = 60.0) -> None:
        """Waits until the project has no unfinished job and has sent every message of its webhooks that is due.

        Raises:
            EmulatorTimeoutError: It still has some after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while (remaining := deadline - time.monotonic()) > 0:
            try:
                self.call("GET", "/_emulator/idle", timeout=remaining)
            except EmulatorTimeoutError:
                break
            except ApiError as error:
                # The emulator waits until its own time limit for requests.
                if error.status != 503:
                    raise
                time.sleep(IDLE_RETRY_INTERVAL_S)
            else:
                return
        raise EmulatorTimeoutError(f"the project has unfinished work after {timeout:g} s")

    def erasure_check(self, values: Iterable[str]) -> ErasureCheck:
        """Searches everything that the emulator has stored of the project for values of 4 to 500 characters.

        Snapshots are searched too.
        """
        if isinstance(values, str):
            raise TypeError("values are several texts: give a list")
        return cast("ErasureCheck", self.call("POST", "/_emulator/erasure-check", {"values": list(values)}))


def _snapshot(name: str) -> str:
    return f"/_emulator/snapshots/{quote(name, safe='')}"
