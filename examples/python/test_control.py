"""A test that controls its project: template, clock, faults, request log, reset and seed; see ../README.md."""

import json
import os
import time
import urllib.request
import uuid

import voucherify
from voucherify import Customer, CustomersCreateRequestBody, OrdersCreateRequestBody

HOST = os.environ.get("VOUCHERIFY_URL", "http://127.0.0.1:8682")
KEYS = {"X-App-Id": str(uuid.uuid4()), "X-App-Token": str(uuid.uuid4())}
configuration = voucherify.Configuration(host=HOST, api_key=KEYS)


def call(method, path, body=None):
    """Calls an operation for which the SDK has no method."""
    headers = {**KEYS, "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(HOST + path, method=method, headers=headers, data=data)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer) if answer.status == 200 else None


def refused(function):
    """Returns the status of the error that the call is answered with."""
    try:
        function()
    except voucherify.ApiException as error:
        return error.status
    return None


def requests(query):
    return call("GET", f"/_emulator/requests/count?{query}")["count"]


with voucherify.ApiClient(configuration) as api:
    customers, orders = voucherify.CustomersApi(api), voucherify.OrdersApi(api)

    def source_ids(**query):
        return sorted(customer.source_id for customer in customers.list_customers(**query).customers)

    def members_of(name):
        return source_ids(segment_id=segments[name])

    # The keys are new, so the project starts with the template.
    assert source_ids() == ["alice@morgan.com", "bob@smith.com"], "start the emulator with --template world.json"
    assert customers.get_customer("alice@morgan.com").name == "Alice Morgan"
    segments = {segment["name"]: segment["id"] for segment in call("GET", "/v1/segments")["data"]}
    assert members_of("Regulars") == ["alice@morgan.com", "bob@smith.com"]

    # Freeze the clock, so that every time is known in advance. When it is advanced, the customer leaves one segment and enters another.
    call("PUT", "/_emulator/clock", {"now": "2030-01-01T00:00:00Z", "frozen": True})
    carol = customers.create_customer(CustomersCreateRequestBody(source_id="carol@jones.com"))
    assert carol.created_at.isoformat() == "2030-01-01T00:00:00+00:00"
    assert members_of("Newcomers") == ["carol@jones.com"]
    call("POST", "/_emulator/clock/advance", {"by": "P31D"})
    assert members_of("Newcomers") == []
    assert members_of("Regulars") == ["alice@morgan.com", "bob@smith.com", "carol@jones.com"]

    # The first creation succeeds, but its answer is lost. The retry with the same source_id finds the customer.
    call("DELETE", "/_emulator/requests")
    call("POST", "/_emulator/faults", {"operation": "create-customer", "status": 503, "after": True, "times": 1})
    dave = CustomersCreateRequestBody(source_id="dave@lee.com", name="Dave")
    assert refused(lambda: customers.create_customer(dave)) == 503
    found = customers.get_customer("dave@lee.com")
    assert customers.create_customer(dave).id == found.id
    assert customers.list_customers().total == 4

    # The next read meets the rate limit. The HTTP client of the SDK waits as long as the answer says, and then repeats the call.
    call("POST", "/_emulator/faults", {"operation": "get-customer", "status": 429, "retry_after_s": 1, "times": 1})
    begun = time.monotonic()
    assert customers.get_customer("dave@lee.com").name == "Dave"
    assert time.monotonic() - begun >= 1
    assert [fault["hits"] for fault in call("GET", "/_emulator/faults")["data"]] == [1, 1]

    # The request log has what was sent.
    assert requests("operation=create-customer") == 2
    assert requests("operation=create-customer&status=503") == 1
    assert requests("operation=get-customer&status=429") == 1
    assert requests("method=GET&path=/v1/customers/*") == 3
    last = call("GET", "/_emulator/requests?operation=create-customer&limit=1")["data"][0]
    assert json.loads(last["request_body"]) == {"source_id": "dave@lee.com", "name": "Dave"}

    # A reset empties the project and leaves the segments.
    assert call("POST", "/_emulator/reset", {"keep": ["segments"]})["removed"]["customers"] == 4
    assert source_ids() == [] and call("GET", "/v1/segments")["total"] == 2
    assert call("GET", "/_emulator/clock")["mode"] == "real"

    def run():
        """Returns the answers to some calls in an empty project with a seed and a frozen clock."""
        call("POST", "/_emulator/reset")
        call("PUT", "/_emulator/clock", {"now": "2030-01-01T00:00:00Z", "frozen": True})
        call("PUT", "/_emulator/ids", {"seed": "a test"})
        customer = customers.create_customer(CustomersCreateRequestBody(source_id="erin@diaz.com"))
        paid = OrdersCreateRequestBody(amount=1200, status="PAID", customer=Customer(source_id="erin@diaz.com"))
        order = orders.create_order(paid)
        return [answer.to_dict() for answer in (customer, order, customers.list_customers())]

    # With the same seed and the same time, the same calls get the same answers, with their ids.
    assert run() == run()

print("done")
