"""Compares the typed objects of this package with the contract of the emulator."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from voucherify_emulator import Emulator, _http, types

OBJECTS = {
    types.ClockState: "ProjectClock",
    types.ErasureCheck: "ErasureCheck",
    types.IdsState: "ProjectIds",
    types.LoggedRequest: "LoggedRequest",
    types.ProjectCounts: "ProjectCounts",
    types.Snapshot: "Snapshot",
}


@pytest.fixture(scope="module")
def schemas(voucherify_emulator: Emulator) -> Any:
    return _http.call(voucherify_emulator.url, "GET", "/_emulator/openapi.json")["components"]["schemas"]


@pytest.mark.parametrize(("kind", "name"), OBJECTS.items(), ids=lambda value: getattr(value, "__name__", value))
def test_object_has_the_members_of_the_contract(schemas: Any, kind: type, name: str) -> None:
    members = kind.__annotations__
    assert set(members) == set(schemas[name]["properties"])
    optional = {member for member, annotation in members.items() if "NotRequired" in annotation.__forward_arg__}
    assert set(members) - optional == set(schemas[name]["required"])


def test_members_of_inner_objects_are_those_of_the_contract(schemas: Any) -> None:
    found = schemas["ErasureCheck"]["properties"]["found"]["items"]
    assert set(types.ErasureFinding.__annotations__) == set(found["properties"])
    counts = schemas["LoadedState"]["properties"]["counts"]
    assert set(types.LoadedCounts.__annotations__) == set(counts["properties"])


def test_fault_has_the_members_of_both_kinds(schemas: Any) -> None:
    rule = set(schemas["FaultOfRequestsBody"]["properties"]) | set(schemas["FaultOfDeliveriesBody"]["properties"])
    assert set(types.FaultRule.__annotations__) == rule
    shown = set(schemas["FaultOfRequests"]["properties"]) | set(schemas["FaultOfDeliveries"]["properties"])
    assert set(types.Fault.__annotations__) | rule == shown


def test_state_document_has_the_members_of_the_contract(schemas: Any) -> None:
    assert set(types.StateDocument.__annotations__) == set(schemas["StateDocument"]["properties"])


def test_reset_keeps_what_the_contract_names(schemas: Any) -> None:
    assert list(get_args(types.Kept)) == schemas["ResetRequest"]["properties"]["keep"]["items"]["enum"]
