"""Background jobs with the SDK `voucherify`; see ../README.md."""

import os
import time
import urllib.parse
import urllib.request
import uuid

import voucherify
from voucherify import (
    CustomersMetadataUpdateInBulkRequestBody, ExportsCreateRequestBody, OrdersExportCreateRequestBody,
)

HOST = os.environ.get("VOUCHERIFY_URL", "http://127.0.0.1:8682")


def new_configuration():
    """Returns a configuration with a new pair of keys, which gets an empty project of its own."""
    return voucherify.Configuration(host=HOST, api_key={"X-App-Id": str(uuid.uuid4()), "X-App-Token": str(uuid.uuid4())})


def text(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read().decode()


def done(accepted):
    """Polls until the job is finished, as a user would, and returns the async action."""
    while True:
        action = actions.get_async_action(accepted.async_action_id)
        if action.status == "DONE":
            return action
        time.sleep(0.02)


with voucherify.ApiClient(new_configuration()) as api:
    customers, orders, exports = voucherify.CustomersApi(api), voucherify.OrdersApi(api), voucherify.ExportsApi(api)
    actions = voucherify.AsyncActionsApi(api)

    # A bulk update that creates two customers.
    records = [{"source_id": "alice", "name": "Alice"}, {"source_id": "bob", "birthdate": "2022-01-01", "metadata": {"lang": "en"}}]
    bulk = done(customers.update_customers_in_bulk([
        voucherify.CustomersUpdateInBulkRequestBody.from_dict(record) for record in records]))
    assert (bulk.type, bulk.operation_status) == ("CUSTOMERS.BULK_UPDATE", "SUCCESS")
    assert (bulk.result["done_count"], bulk.result["errors"]) == (2, [])
    assert text(bulk.result["reports"][0]) == "source_id,found,updated\nalice,false,true\nbob,false,true\n"
    assert customers.get_customer("bob").metadata == {"lang": "en"}

    # Update the metadata of several customers.
    body = CustomersMetadataUpdateInBulkRequestBody(source_ids=["alice", "bob"], metadata={"lang": "de"})
    assert done(customers.update_customers_metadata_in_bulk(body)).result["done_count"] == 2
    assert customers.get_customer("alice").metadata == {"lang": "de"}

    # Import a CSV file.
    file = b"Source_id,Name,Address_City\ncarol,Carol,Oslo\n"
    imported = done(customers.import_customers_using_csv(file=file))
    assert imported.result["message"] == "1 customer(s) imported successfully, 0 failed."
    assert customers.get_customer("carol").address.city == "Oslo"

    # Import orders.
    alice = voucherify.Customer(source_id="alice")
    order = voucherify.OrdersImportCreateRequestBodyItem(source_id="o1", status="PAID", amount=7000, customer=alice)
    assert done(orders.import_orders([order])).result["done_count"] == 1
    assert customers.get_customer("alice").summary.orders.total_amount == 7000
    assert [action.type for action in actions.list_async_actions(limit=2).async_actions] == [
        "ORDERS.IMPORT", "CUSTOMERS.IMPORT_CSV"]

    # Exports of customers and orders, downloaded with the token of their URL.
    def exported(export):
        assert export.status == "SCHEDULED" and export.result is None
        while export.status != "DONE":
            time.sleep(0.02)
            export = exports.get_export(export.id)
        url = export.result.url
        token = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["token"][0]
        assert text(url) == exports.download_export(export.id, token)
        return export.id, text(url).splitlines()

    parameters = {"exported_object": "customer", "parameters": {"order": "source_id", "fields": ["source_id", "name"]}}
    id, lines = exported(exports.create_export(ExportsCreateRequestBody.from_dict(parameters)))
    assert lines[1:] == ["alice,Alice", "bob,", "carol,Carol"], lines
    parameters = {"parameters": {"fields": ["source_id", "status"]}}
    _, lines = exported(orders.create_order_export(OrdersExportCreateRequestBody.from_dict(parameters)))
    assert lines[1:] == ["o1,PAID"], lines
    assert exports.list_exports(limit=5).total == 2
    exports.delete_export(id)
    assert exports.list_exports(limit=5).total == 1

# A scroll returns each customer exactly once, also those that one job created. The SDK has no method for a scroll: each
# page starts after the oldest customer of the page before.
with voucherify.ApiClient(new_configuration()) as api:
    customers, orders, actions = voucherify.CustomersApi(api), voucherify.OrdersApi(api), voucherify.AsyncActionsApi(api)
    expected = []

    def check_scroll(created):
        expected.extend(created)
        found, page, cursor = [], None, None
        while page is None or page.has_more:
            page = customers.list_customers(limit=100, order="-created_at", starting_after=cursor)
            found += [customer.source_id for customer in page.customers]
            cursor = min((customer.created_at for customer in page.customers), default=None)
        assert (len(found), len(set(found))) == (len(expected), len(expected)), (len(found), len(set(found)), len(expected))
        assert sorted(found) == expected

    bulk, csv, ordering = ([f"{prefix}{number}" for number in range(1000, 1250)] for prefix in ("bulk", "csv", "order"))
    done(customers.update_customers_in_bulk([
        voucherify.CustomersUpdateInBulkRequestBody(source_id=source_id) for source_id in bulk]))
    check_scroll(bulk)
    done(customers.import_customers_using_csv(file="\n".join(["Source_id", *csv, ""]).encode()))
    check_scroll(csv)
    done(orders.import_orders([
        voucherify.OrdersImportCreateRequestBodyItem(status="PAID", amount=100, customer=voucherify.Customer(source_id=source_id))
        for source_id in ordering]))
    check_scroll(ordering)
print("done")
