"""The errors of this package."""

from __future__ import annotations

from typing import Any

__all__ = ["ApiError", "EmulatorError", "EmulatorTimeoutError", "StartError"]


class EmulatorError(Exception):
    """The emulator cannot be started or reached, or has refused a call. The base of all errors of this package."""


class StartError(EmulatorError):
    """The emulator did not start. The message is that of the program."""


class EmulatorTimeoutError(EmulatorError, TimeoutError):
    """The emulator did not answer in time."""


class ApiError(EmulatorError):
    """The emulator has refused a call.

    Attributes:
        status: The status of the answer, such as 404.
        key: The key of the error, such as `not_found`, if the answer has one.
        details: What is wrong, if the answer says so.
        request_id: The id of the request in the log, if the answer has one.
        body: The whole body: an object, or a text if it is not JSON.
    """

    def __init__(self, call: str, status: int, body: Any) -> None:
        members = body if isinstance(body, dict) else {}
        self.status = status
        self.key: str | None = members.get("key")
        self.details: str | None = members.get("details")
        self.request_id: str | None = members.get("request_id")
        self.body = body
        texts = [members.get("message"), self.details] if members else [str(body)[:500]]
        super().__init__(": ".join([f"{call} was answered with {status}", *(text for text in texts if text)]))
