"""The objects of the emulator's own surface, as JSON has them. They are those of `openapi/voucherify-emulator.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from typing_extensions import NotRequired, Required

__all__ = [
    "ClockState",
    "DelayRange",
    "ErasureCheck",
    "ErasureFinding",
    "Fault",
    "FaultRule",
    "Health",
    "IdsState",
    "Kept",
    "LoadedCounts",
    "LoggedRequest",
    "ProjectCounts",
    "Snapshot",
    "StateDocument",
]

Kept = Literal["schemas", "segments", "consents", "webhooks"]
"""What a reset can keep."""


class Health(TypedDict):
    """The health of a running emulator. `reason` says what is wrong while it is `degraded`."""

    status: Literal["ok", "degraded"]
    version: str
    reason: NotRequired[str]


class ClockState(TypedDict):
    """A clock. `offset` means that it runs, but does not show real time."""

    object: Literal["clock"]
    now: str
    mode: Literal["real", "offset", "frozen"]


class IdsState(TypedDict):
    """How identifiers are made. `seed` is absent while they are random."""

    object: Literal["ids"]
    mode: Literal["random", "seeded"]
    seed: NotRequired[str]


class ProjectCounts(TypedDict):
    """How many objects of each kind a project has. `customers` are those that lists show, `jobs` the async actions."""

    customers: int
    orders: int
    events: int
    segments: int
    consents: int
    consent_groups: int
    metadata_schemas: int
    event_schemas: int
    webhooks: int
    jobs: int
    exports: int
    deliveries: int
    activity: int
    unconfirmed_customers: int
    permanent_deletions: int


class LoadedCounts(TypedDict):
    """How many objects of each kind a state document had."""

    customers: int
    orders: int
    events: int
    segments: int
    consents: int
    consent_groups: int
    metadata_schemas: int
    event_schemas: int
    webhooks: int


class Snapshot(TypedDict):
    """A stored state of a project. `created_at` is by the clock of the project."""

    object: Literal["snapshot"]
    name: str
    created_at: str
    counts: ProjectCounts


class StateDocument(TypedDict, total=False):
    """The state of a project as one document. Any member may be absent when it is loaded."""

    format: Literal["voucherify-emulator"]
    version: Literal[1]
    customers: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    events: list[dict[str, Any]]
    segments: list[dict[str, Any]]
    consents: list[dict[str, Any]]
    consent_groups: list[dict[str, Any]]
    metadata_schemas: list[dict[str, Any]]
    event_schemas: list[dict[str, Any]]
    webhooks: list[dict[str, Any]]


class DelayRange(TypedDict):
    """A range of milliseconds."""

    min: int
    max: int


class FaultRule(TypedDict, total=False):
    """What a fault does, and which requests or which webhook deliveries it hits.

    A fault with `webhook` or `event` is for deliveries, any other for requests. `skip`, `times`, `probability`, `seed`
    and `delay_ms` are for both.
    """

    operation: str
    method: str
    path: str
    skip: int
    times: int
    probability: float
    seed: int
    delay_ms: int | DelayRange
    status: int
    retry_after_s: int
    body: Any
    connection: Literal["reset", "truncate", "hang"]
    after: bool
    webhook: str
    event: str
    duplicate: int
    fail: bool


class Fault(FaultRule, total=False):
    """A fault of a project, with how many requests or deliveries have matched, and how many were hit."""

    id: Required[str]
    object: Required[Literal["fault"]]
    matches: Required[int]
    hits: Required[int]


class LoggedRequest(TypedDict):
    """A request in the log of a project.

    `operation` is `None` for a request without a route, and `near` then has the operations that are nearest. `status`
    is 0 for a request that was not answered. `unread` has what the operation does not know. `fault` is the id of the
    fault that hit the request.
    """

    id: str
    request_id: str
    at: str
    duration_ms: float
    method: str
    path: str
    query: str
    operation: str | None
    status: int
    request_body: str
    response_body: str
    unread: list[str]
    near: list[str]
    fault: str | None


class ErasureFinding(TypedDict):
    """Where a value was found: a table and a column, or `snapshot:NAME`, and then the table and the column."""

    table: str
    column: str
    rows: int


class ErasureCheck(TypedDict):
    """The result of an erasure check: how many tables and rows were searched, and what was found."""

    object: Literal["erasure_check"]
    tables: int
    rows: int
    clean: bool
    found: list[ErasureFinding]
