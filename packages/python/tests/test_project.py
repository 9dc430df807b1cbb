"""Tests of the control of a project."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from voucherify_emulator import ApiError, Emulator, EmulatorTimeoutError, Project

if TYPE_CHECKING:
    from pathlib import Path

ALICE = {"source_id": "alice@morgan.com", "name": "Alice Morgan"}
BOB = {"source_id": "bob@smith.com", "name": "Bob Smith"}
START = datetime(2030, 1, 1, tzinfo=timezone.utc)


def create(project: Project, *customers: dict[str, str]) -> None:
    for customer in customers:
        project.call("POST", "/v1/customers", customer)


def source_ids(project: Project) -> list[str]:
    return sorted(customer["source_id"] for customer in project.call("GET", "/v1/customers")["customers"])


def test_projects_do_not_see_each_other(voucherify_emulator: Emulator) -> None:
    one, other = voucherify_emulator.project(), voucherify_emulator.project()
    create(one, ALICE)
    assert (source_ids(one), source_ids(other)) == ([ALICE["source_id"]], [])
    same = voucherify_emulator.project(one.app_id, one.app_token)
    assert source_ids(same) == [ALICE["source_id"]]
    with pytest.raises(TypeError, match="pair"):
        voucherify_emulator.project("id")


def test_headers_are_those_of_both_sides(voucherify_project: Project) -> None:
    create(voucherify_project, ALICE)
    with urlopen(Request(f"{voucherify_project.url}/v1/customers", headers=voucherify_project.headers)) as answer:
        assert json.load(answer)["total"] == 1
    headers = {**voucherify_project.client_headers, "Origin": "http://localhost", "Content-Type": "application/json"}
    body = json.dumps(BOB).encode()
    with urlopen(Request(f"{voucherify_project.url}/client/v1/customers", body, headers)) as answer:
        assert json.load(answer)["source_id"] == BOB["source_id"]
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{voucherify_project.url}/v1/customers")
    refused.value.close()


def test_default_project_has_the_built_in_keys(voucherify_emulator: Emulator) -> None:
    project = voucherify_emulator.default_project
    assert project.call("GET", "/_emulator/project")["name"]
    headers = {**project.client_headers, "Origin": "http://localhost", "Content-Type": "application/json"}
    with urlopen(Request(f"{project.url}/client/v1/customers", b"{}", headers)) as answer:
        assert answer.status == 200


def test_reset_empties_the_project_but_for_what_it_keeps(voucherify_project: Project) -> None:
    create(voucherify_project, ALICE)
    voucherify_project.call("POST", "/v1/segments", {"name": "Friends", "customers": []})
    assert voucherify_project.reset(keep=["segments"])["customers"] == 1
    assert source_ids(voucherify_project) == []
    assert voucherify_project.call("GET", "/v1/segments")["total"] == 1
    assert voucherify_project.reset()["segments"] == 1


def test_snapshot_is_restored(voucherify_project: Project) -> None:
    create(voucherify_project, ALICE)
    assert voucherify_project.snapshot("fixtures")["counts"]["customers"] == 1
    before = voucherify_project.call("GET", "/v1/customers")
    voucherify_project.reset()
    create(voucherify_project, BOB)
    assert voucherify_project.restore("fixtures")["name"] == "fixtures"
    assert voucherify_project.call("GET", "/v1/customers") == before
    assert [snapshot["name"] for snapshot in voucherify_project.snapshots()] == ["fixtures"]
    voucherify_project.delete_snapshot("fixtures")
    with pytest.raises(ApiError) as refused:
        voucherify_project.restore("fixtures")
    assert (refused.value.status, refused.value.key) == (404, "not_found")


def test_state_is_loaded_from_a_document_or_a_file(voucherify_project: Project, tmp_path: Path) -> None:
    assert voucherify_project.load({"customers": [ALICE]})["customers"] == 1
    file = tmp_path / "state.json"
    file.write_text(json.dumps({"customers": [BOB]}))
    voucherify_project.load(file, add=True)
    state = voucherify_project.state()
    assert state["format"] == "voucherify-emulator"
    assert sorted(customer["source_id"] for customer in state["customers"]) == [ALICE["source_id"], BOB["source_id"]]
    voucherify_project.load(str(file))
    assert source_ids(voucherify_project) == [BOB["source_id"]]


def test_clock_is_frozen_set_and_advanced(voucherify_project: Project) -> None:
    clock = voucherify_project.clock
    assert clock.read().mode == "real"
    assert abs(clock.now() - datetime.now(timezone.utc)) < timedelta(minutes=1)
    assert clock.freeze(START) == (START, "frozen")
    create(voucherify_project, ALICE)
    customer = voucherify_project.call("GET", "/v1/customers/alice%40morgan.com")
    assert customer["created_at"] == "2030-01-01T00:00:00.000Z"
    assert clock.advance("P1DT2H").now == START + timedelta(days=1, hours=2)
    assert clock.advance(timedelta(hours=22, milliseconds=5)).now == START + timedelta(days=2, milliseconds=5)
    assert clock.advance(to="2030-02-01T00:00:00Z").now == datetime(2030, 2, 1, tzinfo=timezone.utc)
    assert clock.set("2031-01-01T00:00:00Z").mode == "frozen"
    assert clock.set(START.astimezone(timezone(timedelta(hours=5))), frozen=False).mode == "offset"
    assert START <= clock.freeze().now < START + timedelta(minutes=1)
    clock.reset()
    assert clock.read().mode == "real"


def test_clock_refuses_what_is_not_clear(voucherify_project: Project) -> None:
    clock = voucherify_project.clock
    with pytest.raises(ValueError, match="time zone"):
        clock.freeze(datetime(2030, 1, 1))
    with pytest.raises(ValueError, match="negative"):
        clock.advance(timedelta(days=-1))
    for arguments in ({}, {"by": "P1D", "to": START}):
        with pytest.raises(TypeError):
            clock.advance(**arguments)  # type: ignore[arg-type]
    with pytest.raises(ApiError) as refused:
        clock.advance(to="2020-01-01T00:00:00Z")
    assert refused.value.status == 400


def test_seeded_identifiers_repeat(voucherify_emulator: Emulator) -> None:
    def identifier() -> str:
        project = voucherify_emulator.project()
        project.clock.freeze(START)
        project.ids.seed("a test")
        assert project.ids.read() == {"object": "ids", "mode": "seeded", "seed": "a test"}
        created: str = project.call("POST", "/v1/customers", ALICE)["id"]
        project.ids.reset()
        assert project.ids.read()["mode"] == "random"
        return created

    assert identifier() == identifier()


def test_fault_hits_as_often_as_it_says(voucherify_project: Project) -> None:
    faults = voucherify_project.faults
    fault = faults.add(operation="create-customer", status=503, times=1)
    assert (fault["matches"], fault["hits"]) == (0, 0)
    with pytest.raises(ApiError) as refused:
        create(voucherify_project, ALICE)
    assert refused.value.status == 503
    create(voucherify_project, ALICE)
    assert faults.get(fault["id"])["hits"] == 1
    delayed = faults.add(event="customer.created", delay_ms={"min": 1, "max": 2})
    assert [listed["id"] for listed in faults.list()] == [fault["id"], delayed["id"]]
    faults.remove(fault["id"])
    assert [listed["id"] for listed in faults.list()] == [delayed["id"]]
    faults.clear()
    assert faults.list() == []


def test_requests_are_filtered_and_counted(voucherify_project: Project) -> None:
    create(voucherify_project, ALICE, BOB)
    with pytest.raises(ApiError):
        voucherify_project.call("GET", "/v1/customers/carol")
    assert voucherify_project.request_count() == 3
    assert voucherify_project.request_count(operation="create-customer", method="POST", path="/v1/customers") == 2
    assert voucherify_project.request_count(status=404) == voucherify_project.request_count(status="4xx") == 1
    newest, oldest = voucherify_project.requests(operation="create-customer")
    assert json.loads(newest["request_body"]) == BOB
    assert [request["status"] for request in voucherify_project.requests(after=newest["id"])] == [404]
    assert voucherify_project.requests(operation="create-customer", limit=1) == [newest]
    assert oldest["unread"] == []
    voucherify_project.clear_requests()
    assert voucherify_project.requests() == []


def test_idle_waits_for_background_work(voucherify_project: Project) -> None:
    bulk = [{"source_id": f"customer-{number}"} for number in range(50)]
    started = voucherify_project.call("POST", "/v1/customers/bulk/async", bulk)
    voucherify_project.idle()
    action = voucherify_project.call("GET", f"/v1/async-actions/{started['async_action_id']}")
    assert action["status"] == "DONE"


def test_idle_ends_after_its_time(voucherify_project: Project) -> None:
    target = {"target_url": "http://127.0.0.1:9/hook", "events": ["customer.created"]}
    voucherify_project.call("POST", "/_emulator/webhooks", target)
    voucherify_project.faults.add(event="customer.created", delay_ms=5000)
    create(voucherify_project, ALICE)
    with pytest.raises(EmulatorTimeoutError, match=r"after 0\.5 s"):
        voucherify_project.idle(timeout=0.5)


def test_erasure_check_finds_what_is_left(voucherify_project: Project) -> None:
    create(voucherify_project, ALICE)
    voucherify_project.snapshot("before")
    voucherify_project.call("POST", "/v1/customers/alice%40morgan.com/permanent-deletion")
    check = voucherify_project.erasure_check(["Alice Morgan"])
    assert not check["clean"]
    assert {found["table"] for found in check["found"]} == {"snapshot:before"}
    voucherify_project.delete_snapshot("before")
    assert voucherify_project.erasure_check(["Alice Morgan"])["clean"]
    with pytest.raises(TypeError, match="list"):
        voucherify_project.erasure_check("Alice Morgan")


def test_error_has_the_members_of_the_answer(voucherify_project: Project) -> None:
    with pytest.raises(ApiError) as refused:
        voucherify_project.call("PUT", "/_emulator/clock", {"now": "yesterday"})
    error = refused.value
    assert (error.status, error.key) == (400, "invalid_payload")
    assert error.request_id == error.body["request_id"]
    assert str(error).startswith("PUT /_emulator/clock was answered with 400: ")
    assert error.details is not None
    assert error.details in str(error)
