"""The life of a customer with the SDK `voucherify`; see ../README.md."""

import json
import os
import urllib.request
import uuid

import voucherify
from voucherify import (
    Customer, CustomersCreateRequestBody, CustomersUpdateRequestBody, EventsCreateRequestBody, OrderItem,
    OrdersCreateRequestBody, OrdersUpdateRequestBody, SegmentsCreateRequestBody,
)

HOST = os.environ.get("VOUCHERIFY_URL", "http://127.0.0.1:8682")
KEYS = {"X-App-Id": str(uuid.uuid4()), "X-App-Token": str(uuid.uuid4())}
SOURCE_ID = "bob@smith.com"
configuration = voucherify.Configuration(host=HOST, api_key=KEYS)


def call(method, path, body=None):
    """Calls an operation for which the SDK has no method."""
    headers = {**KEYS, "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(HOST + path, method=method, headers=headers, data=data)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer) if answer.status == 200 else None


def refused(function):
    """Returns the status and the details of the error that the call is answered with."""
    try:
        function()
    except voucherify.ApiException as error:
        return error.status, json.loads(error.body).get("details")
    return None, None


def missing(function):
    return refused(function)[0] == 404


def ids(found):
    return [one.id for one in found]


with voucherify.ApiClient(configuration) as api:
    customers, orders, events = voucherify.CustomersApi(api), voucherify.OrdersApi(api), voucherify.EventsApi(api)
    segments, schemas = voucherify.SegmentsApi(api), voucherify.MetadataSchemasApi(api)

    # The customer.
    created = customers.create_customer(CustomersCreateRequestBody(source_id=SOURCE_ID, name="Bob"))
    assert created.id.startswith("cust_") and created.address is None
    assert customers.get_customer(SOURCE_ID).id == created.id
    assert customers.update_customer(SOURCE_ID, CustomersUpdateRequestBody(phone="1")).updated_at
    assert customers.list_customers(limit=5, order="-created_at").total == 1

    # Segments: one with a list, one with a filter. The SDK lists the segments of a customer, and has no method to list all segments.
    listed = segments.create_segment(SegmentsCreateRequestBody(name="Listed", type="static", customers=[created.id]))
    assert segments.get_segment(listed.id).name == "Listed"
    spent = {"junction": "and", "summary.orders.total_amount": {"conditions": {"$more_than": [100]}}}
    spenders = segments.create_segment(SegmentsCreateRequestBody(name="Spenders", type="auto-update", filter=spent))
    assert spenders.filter == spent
    assert ids(customers.list_customer_segments(SOURCE_ID).data) == [listed.id]
    assert [segment["id"] for segment in call("GET", "/v1/segments")["data"]] == [spenders.id, listed.id]
    wrong = SegmentsCreateRequestBody(name="None", type="auto-update", filter={})
    assert refused(lambda: segments.create_segment(wrong)) == (
        400, "Property .filter has wrong `junction` property. It must be one of: and, or")

    # Orders. When the order is paid, the customer enters the segment; when it is canceled, the customer leaves.
    items = [OrderItem(product_id="p", quantity=1, object="order_item")]
    order = orders.create_order(OrdersCreateRequestBody(amount=100, customer=Customer(source_id=SOURCE_ID), items=items))
    assert order.status == "CREATED" and customers.list_customers(segment_id=spenders.id).total == 0
    order = orders.update_order(order.id, OrdersUpdateRequestBody(status="PAID", amount=300))
    assert (order.status, order.total_amount) == ("PAID", 300)
    assert orders.get_order(order.id).amount == 300 and orders.list_orders(limit=10).total == 1
    assert customers.get_customer(SOURCE_ID).summary.orders.total_amount == 300
    assert ids(customers.list_customers(segment_id=spenders.id).customers) == [created.id]
    assert ids(customers.list_customer_segments(SOURCE_ID).data) == [listed.id, spenders.id]
    assert orders.update_order(order.id, OrdersUpdateRequestBody(status="FULFILLED")).status == "FULFILLED"
    assert customers.list_customers(segment_id=spenders.id).total == 1
    assert orders.update_order(order.id, OrdersUpdateRequestBody(status="CANCELED")).status == "CANCELED"
    assert customers.get_customer(SOURCE_ID).summary.orders.total_amount == 0
    assert customers.list_customers(segment_id=spenders.id).total == 0

    # Custom events. Their schemas are created with management keys (management.py), or under /_emulator as here.
    def track(event, metadata=None):
        body = EventsCreateRequestBody(event=event, customer=Customer(source_id=SOURCE_ID), metadata=metadata)
        return events.track_custom_event(body)

    assert track("visit").type == "visit"
    stars = {"stars": {"type": "number", "optional": False}}
    schema = call("POST", "/_emulator/custom-event-schemas", {"name": "review", "schema": {"properties": stars}})
    assert refused(lambda: track("review", {"stars": "five"})) == (
        400, "stars: must be a number, property is required (actual value is 'five')")
    assert track("review", {"stars": 5}).metadata == {"stars": 5}

    # A metadata schema of customers. The SDK can read schemas, and changes them in the management API only.
    def write(metadata):
        return customers.update_customer(SOURCE_ID, CustomersUpdateRequestBody(metadata=metadata))

    lang = {"type": "string", "optional": True, "array": False, "eq": ["en", "de"]}
    age = {"type": "number", "optional": True, "array": False}
    definitions = {"related_object": "customer", "properties": {"lang": lang, "age": age}}
    created_schema = call("POST", "/v1/metadata-schemas", definitions)
    assert ids(schemas.list_metadata_schemas().schemas) == [created_schema["id"]]
    assert refused(lambda: write({"lang": "fr"})) == (
        400, "lang: must be a string, must be equal to one of en,de (actual value is 'fr')")
    call("PUT", "/v1/metadata-schemas/customer", {"properties": {}, "allow_defined_only": True})
    assert schemas.get_metadata_schema("customer").allow_defined_only
    assert refused(lambda: write({"shoe": 44})) == (
        400, "shoe: property is not defined in the schema (actual value is '44')")
    assert write({"lang": "en", "age": 9}).metadata == {"lang": "en", "age": 9}
    # A key that is defined as a number is compared as a number. The SDK's list has no filters.
    younger = "/v1/customers?filters[metadata.age][conditions][$less_than]=10"
    assert call("GET", younger)["total"] == 1
    call("DELETE", "/v1/metadata-schemas/customer")
    assert schemas.list_metadata_schemas().total == 0 and call("GET", younger)["total"] == 0

    # The whole activity, newest first, in pages of four entries.
    entries, page = [], None
    while page is None or page.has_more:
        cursor = page and page.more_starting_after
        page = customers.list_customer_activity(SOURCE_ID, limit=4, starting_after_id=cursor)
        assert bool(page.more_starting_after) == page.has_more
        entries += page.data
    assert [entry.type.removeprefix("customer.") for entry in reversed(entries)] == [
        "created", "updated", "order.created",
        "order.updated", "order.paid", "segment.entered",
        "order.updated", "order.fulfilled",
        "order.updated", "order.canceled", "segment.left",
        "custom_event", "custom_event", "updated",
    ]
    assert entries[1].data["data"]["event_schema"] == {"id": schema["id"], "name": "review"}
    left, entered = customers.list_customer_activity(SOURCE_ID, category="EFFECT").data
    assert (left.type, entered.type) == ("customer.segment.left", "customer.segment.entered")
    assert entered.data["data"]["segment"] == {"id": spenders.id, "name": "Spenders", "object": "segment"}
    assert entered.group_id == entries[-5].group_id and entries[-5].type == "customer.order.paid"

    # Consents. The SDK has no methods for them, and it rejects a page of the activity with an entry about them.
    call("PUT", "/_emulator/consents/cnst_news", {"name": "Newsletter"})
    assert call("GET", "/v1/consents")["consents"]["total"] == 1
    call("PUT", f"/v1/customers/{SOURCE_ID}/consents", {"cnst_news": True})
    entry = call("GET", f"/v1/customers/{SOURCE_ID}/activity?limit=1")["data"][0]
    assert entry["type"] == "customer.consents.given" and entry["data"]["data"]["consents"][0]["name"] == "Newsletter"

    # There are no vouchers and campaigns, so there is nothing to redeem and the bin is empty.
    redeemables = customers.list_customer_redeemables(SOURCE_ID, limit=5)
    assert (redeemables.data, redeemables.total, redeemables.has_more) == ([], 0, False)
    assert voucherify.BinApi(api).list_bin_entries().data == []

    # Permanent deletion.
    deletion = customers.customer_permanently_deletion(SOURCE_ID)
    counts = deletion.data_json
    assert deletion.object == "pernament_deletion"
    assert (counts.events, counts.orders, counts.order_events, counts.segments, counts.customer) == (2, 1, 7, 1, 1)
    assert counts.customer_events == 8
    assert missing(lambda: customers.get_customer(SOURCE_ID))
    segments.delete_segment(listed.id)
    assert missing(lambda: segments.get_segment(listed.id))

    other = customers.create_customer(CustomersCreateRequestBody(name="Ann"))
    customers.delete_customer(other.id)
    assert missing(lambda: customers.get_customer(other.id))
print("done")
