"""The clock, the identifiers and the faults of a project."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from typing_extensions import Unpack

    from .types import ClockState, Fault, FaultRule, IdsState

    Call = Callable[..., Any]

__all__ = ["ClockReading", "FaultControl", "IdControl", "ProjectClock"]

CLOCK = "/_emulator/clock"
IDS = "/_emulator/ids"
FAULTS = "/_emulator/faults"


class ClockReading(NamedTuple):
    """The time that a clock shows, and its mode. `offset` means that it runs, but does not show real time."""

    now: datetime
    mode: Literal["real", "offset", "frozen"]


class ProjectClock:
    """The clock of a project, which everything follows that the project shows.

    Times are texts such as `2030-01-01T00:00:00Z`, or `datetime` values with a time zone.
    """

    def __init__(self, call: Call) -> None:
        self._call = call

    def read(self) -> ClockReading:
        """Returns the time and the mode."""
        return _reading(self._call("GET", CLOCK))

    def now(self) -> datetime:
        """Returns the time that the clock shows, in UTC."""
        return self.read().now

    def set(self, time: str | datetime, *, frozen: bool | None = None) -> ClockReading:
        """Sets the clock. It runs from there or is frozen; by default as before."""
        members = {"now": _time(time), "frozen": frozen}
        return _reading(self._call("PUT", CLOCK, {name: value for name, value in members.items() if value is not None}))

    def freeze(self, time: str | datetime | None = None) -> ClockReading:
        """Stops the clock: at `time`, or at the time that it shows."""
        return _reading(self._call("PUT", CLOCK, {"frozen": True} | ({} if time is None else {"now": _time(time)})))

    def advance(self, by: str | timedelta | None = None, *, to: str | datetime | None = None) -> ClockReading:
        """Advances the clock by a duration, such as `P1DT2H`, or to a time.

        What falls due on the way happens, at its own time and in order. Deliveries of webhooks are then in the queue;
        `Project.idle` waits for them.
        """
        if (by is None) == (to is None):
            raise TypeError("give either a duration or the time `to` which the clock advances")
        body = {"by": _duration(by)} if by is not None else {"to": _time(cast("str | datetime", to))}
        return _reading(self._call("POST", f"{CLOCK}/advance", body))

    def reset(self) -> None:
        """Returns to real time."""
        self._call("DELETE", CLOCK)


class IdControl:
    """How the identifiers of a project are made."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def seed(self, text: str) -> None:
        """Makes identifiers from a seed, so that the same calls get the same identifiers."""
        self._call("PUT", IDS, {"seed": text})

    def read(self) -> IdsState:
        """Returns whether identifiers are random or seeded."""
        return cast("IdsState", self._call("GET", IDS))

    def reset(self) -> None:
        """Makes random identifiers again."""
        self._call("DELETE", IDS)


class FaultControl:
    """The faults of a project: which requests and webhook deliveries fail on purpose, or are slow."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def add(self, **rule: Unpack[FaultRule]) -> Fault:
        """Adds a fault, such as `add(operation="create-customer", status=503, times=1)`, and returns it."""
        return cast("Fault", self._call("POST", FAULTS, rule))

    def list(self) -> list[Fault]:
        """Returns the faults with their hits, in the order of their creation, also those that are used up."""
        return cast("list[Fault]", self._call("GET", FAULTS)["data"])

    def get(self, fault: str) -> Fault:
        """Returns the fault with this id."""
        return cast("Fault", self._call("GET", f"{FAULTS}/{quote(fault, safe='')}"))

    def remove(self, fault: str) -> None:
        """Removes the fault with this id."""
        self._call("DELETE", f"{FAULTS}/{quote(fault, safe='')}")

    def clear(self) -> None:
        """Removes all faults."""
        self._call("DELETE", FAULTS)


def _time(time: str | datetime) -> str:
    if isinstance(time, str):
        return time
    if time.tzinfo is None:
        raise ValueError(f"the time {time} has no time zone: add one, such as tzinfo=timezone.utc")
    return time.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _duration(duration: str | timedelta) -> str:
    if isinstance(duration, str):
        return duration
    if duration < timedelta(0):
        raise ValueError(f"the duration {duration} is negative: the clock only advances")
    seconds, microseconds = divmod(duration // timedelta(microseconds=1), 1_000_000)
    return f"PT{seconds}.{microseconds:06}S"


def _reading(clock: ClockState) -> ClockReading:
    # Python 3.10 does not parse the Z.
    return ClockReading(datetime.fromisoformat(clock["now"].replace("Z", "+00:00")), clock["mode"])
