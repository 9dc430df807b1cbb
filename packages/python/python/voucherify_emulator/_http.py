"""Calls the emulator over HTTP, with the standard library."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from .errors import ApiError, EmulatorError, EmulatorTimeoutError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.request import OpenerDirector

DEFAULT_TIMEOUT_S = 60.0


def call(
    url: str,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, object] | None = None,
    body: object = None,
    timeout: float = DEFAULT_TIMEOUT_S,
) -> Any:
    """Calls an operation, and returns its answer: the parsed JSON, the text of another type, or `None` without a body.

    Args:
        url: The URL of the emulator.
        method: The method, such as `POST`.
        path: The path, such as `/v1/customers`, percent-encoded.
        headers: The headers besides that of the content.
        query: Parameters of the query. Those that are `None` are left out.
        body: The body: bytes as they are, anything else as JSON. `None` sends none.
        timeout: How long to wait for the answer, in seconds.

    Raises:
        ApiError: The call was refused.
        EmulatorTimeoutError: There was no answer in time.
        EmulatorError: The emulator cannot be reached.
    """
    # Import these for the first call only, because they take longer than all else, and the command needs none of them.
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import Request

    parameters = urlencode({name: value for name, value in (query or {}).items() if value is not None})
    request = Request(f"{url}{path}{'?' if parameters else ''}{parameters}", method=method, headers=dict(headers or {}))
    if body is not None:
        request.data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    name = f"{method} {path}"
    try:
        with _opener().open(request, timeout=timeout) as answer:
            return _content(answer.headers.get_content_type(), answer.read())
    except HTTPError as error:
        with error:
            raise ApiError(name, error.code, _content(error.headers.get_content_type(), error.read())) from None
    except TimeoutError as error:
        raise EmulatorTimeoutError(f"{name} was not answered within {timeout:g} s") from error
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, TimeoutError):
            raise EmulatorTimeoutError(f"{name} was not answered within {timeout:g} s") from error
        raise EmulatorError(f"{name}: the emulator at {url} cannot be reached: {reason}") from error


@cache
def _opener() -> OpenerDirector:
    from urllib.request import ProxyHandler, build_opener

    # A proxy of the environment is for other hosts than the emulator's.
    return build_opener(ProxyHandler({}))


def _content(content_type: str, body: bytes) -> Any:
    if not body:
        return None
    text = body.decode("utf-8", "replace")
    return json.loads(text) if content_type == "application/json" else text
