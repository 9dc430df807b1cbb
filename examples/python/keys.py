"""OAuth and the client side with the SDK `voucherify`; see ../README.md."""

import json
import os
import urllib.parse
import urllib.request
import uuid

import voucherify
from voucherify import ClientEventsCreateRequestBody, Customer, CustomersCreateRequestBody

HOST = os.environ.get("VOUCHERIFY_URL", "http://127.0.0.1:8682")
APP_ID, APP_TOKEN = str(uuid.uuid4()), str(uuid.uuid4())


def form(path, **fields):
    """Posts a form: the SDK has no methods for OAuth."""
    request = urllib.request.Request(
        HOST + path, method="POST", headers={"X-App-Id": APP_ID, "X-App-Token": APP_TOKEN},
        data=urllib.parse.urlencode(fields).encode())
    with urllib.request.urlopen(request) as answer:
        return json.load(answer) if answer.status == 200 else None


def refused(function):
    """Returns the status and the key of the error that the call is answered with."""
    try:
        function()
    except voucherify.ApiException as error:
        return error.status, json.loads(error.body)["key"]
    return None, None


# A token with access to customers only.
token = form("/v1/oauth/token", grant_type="client_credentials", scope="customers")
assert (token["expires_in"], token["token_type"], token["scope"]) == (900, "Bearer", "customers")
bearer = f"Bearer {token['access_token']}"
with voucherify.ApiClient(voucherify.Configuration(host=HOST), "Authorization", bearer) as api:
    customers, orders = voucherify.CustomersApi(api), voucherify.OrdersApi(api)
    created = customers.create_customer(CustomersCreateRequestBody(source_id="alice", name="Alice"))
    assert created.id.startswith("cust_")
    assert customers.get_customer("alice").id == created.id
    assert refused(orders.list_orders) == (403, "missing_required_permission")
    assert form("/v1/oauth/introspect", access_token=token["access_token"])["active"]
    form("/v1/oauth/token/revoke", access_token=token["access_token"])
    assert refused(lambda: customers.get_customer("alice")) == (401, "unauthorized")

# The client side: a new pair of keys works for its project on the server side and the client side.
keys = {"X-Client-Application-Id": APP_ID, "X-Client-Token": APP_TOKEN}
with voucherify.ApiClient(voucherify.Configuration(host=HOST, api_key=keys)) as api:
    pages = voucherify.ClientSideApi(api)
    body = ClientEventsCreateRequestBody(event="visit", customer=Customer(source_id="alice"))
    event = pages.track_custom_event_client_side("https://shop.example", body)
    assert (event.type, event.customer.id) == ("visit", created.id)
print("done")
