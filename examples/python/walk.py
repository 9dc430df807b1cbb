"""A customer's life through the SDK `voucherify`; see ../README.md."""

import os
import uuid

import voucherify
from voucherify import (
    Customer, CustomersCreateRequestBody, CustomersUpdateRequestBody, EventsCreateRequestBody, OrderItem,
    OrdersCreateRequestBody, OrdersUpdateRequestBody, SegmentsCreateRequestBody,
)

configuration = voucherify.Configuration(
    host=os.environ.get("VOUCHERIFY_URL", "http://127.0.0.1:8682"),
    api_key={"X-App-Id": str(uuid.uuid4()), "X-App-Token": str(uuid.uuid4())},
)
SOURCE_ID = "bob@smith.com"


def missing(call):
    try:
        call()
    except voucherify.ApiException as error:
        return error.status == 404
    return False


with voucherify.ApiClient(configuration) as api:
    customers, orders = voucherify.CustomersApi(api), voucherify.OrdersApi(api)
    created = customers.create_customer(CustomersCreateRequestBody(source_id=SOURCE_ID, name="Bob"))
    assert created.id.startswith("cust_") and created.address is None
    assert customers.get_customer(SOURCE_ID).id == created.id
    assert customers.update_customer(SOURCE_ID, CustomersUpdateRequestBody(phone="1")).updated_at
    assert customers.list_customers(limit=5, order="-created_at").total == 1

    items = [OrderItem(product_id="p", quantity=1, object="order_item")]
    order = orders.create_order(OrdersCreateRequestBody(amount=100, customer=Customer(source_id=SOURCE_ID), items=items))
    order = orders.update_order(order.id, OrdersUpdateRequestBody(status="PAID", amount=300))
    assert (order.status, order.total_amount) == ("PAID", 300)
    assert orders.get_order(order.id).amount == 300 and orders.list_orders(limit=10).total == 1
    assert customers.get_customer(SOURCE_ID).summary.orders.total_amount == 300

    event = EventsCreateRequestBody(event="visit", customer=Customer(source_id=SOURCE_ID))
    assert voucherify.EventsApi(api).track_custom_event(event).type == "visit"
    segment = SegmentsCreateRequestBody(name="VIP", type="static", customers=[created.id])
    voucherify.SegmentsApi(api).create_segment(segment)
    assert customers.list_customer_segments(SOURCE_ID).total == 1

    deletion = customers.customer_permanently_deletion(SOURCE_ID)
    counts = deletion.data_json
    assert deletion.object == "pernament_deletion"
    assert (counts.events, counts.orders, counts.order_events, counts.segments, counts.customer) == (1, 1, 3, 1, 1)
    assert missing(lambda: customers.get_customer(SOURCE_ID))

    other = customers.create_customer(CustomersCreateRequestBody(name="Ann"))
    customers.delete_customer(other.id)
    assert missing(lambda: customers.get_customer(other.id))
print("done")
