"""Projects, their schemas and their keys with the SDK `voucherify`; see ../README.md."""

import json
import os
import uuid

import voucherify
from voucherify import (
    Customer, CustomersCreateRequestBody, EventsCreateRequestBody, ManagementProjectsCreateRequestBody,
    ManagementProjectsCustomEventSchemasCreateRequestBody, ManagementProjectsCustomEventSchemasUpdateRequestBody,
    ManagementProjectsMetadataSchemasCreateRequestBody, ManagementProjectsMetadataSchemasUpdateRequestBody,
    ManagementProjectsUpdateRequestBody,
)

HOST = os.environ.get("VOUCHERIFY_URL", "http://127.0.0.1:8682")
# New management keys get an organisation of their own.
KEYS = {"X-Management-Id": str(uuid.uuid4()), "X-Management-Token": str(uuid.uuid4())}
configuration = voucherify.Configuration(host=HOST, api_key=KEYS)


def refused(function):
    """Returns the status and the details of the error that the call is answered with."""
    try:
        function()
    except voucherify.ApiException as error:
        return error.status, json.loads(error.body).get("details")
    return None, None


with voucherify.ApiClient(configuration) as api:
    management = voucherify.ManagementApi(api)

    # Create a project. Its keys work at once.
    assert management.list_projects().total == 0
    body = {"name": "Team", "case_sensitive_codes": True, "timezone": "Europe/Warsaw", "currency": "PLN"}
    created = management.create_project(ManagementProjectsCreateRequestBody.from_dict(body))
    assert created.id.startswith("proj_") and created.webhook_token and created.timezone == "Europe/Warsaw"
    assert refused(lambda: management.create_project(ManagementProjectsCreateRequestBody(name="Team"))) == (
        400, "Payload must have required property 'case_sensitive_codes'")
    keys = {"X-App-Id": created.server_side_key.app_id, "X-App-Token": created.server_side_key.app_token}
    project = voucherify.ApiClient(voucherify.Configuration(host=HOST, api_key=keys))
    customers, events = voucherify.CustomersApi(project), voucherify.EventsApi(project)
    assert customers.list_customers().total == 0

    # Read, list and change it.
    assert [one.id for one in management.list_projects().data] == [created.id]
    assert management.get_project(created.id).name == "Team"
    change = ManagementProjectsUpdateRequestBody(description="For tests", client_trusted_domains=["shop.example"])
    changed = management.update_project(created.id, change)
    assert (changed.name, changed.description, changed.client_trusted_domains) == ("Team", "For tests", ["shop.example"])
    assert management.get_project(created.id).description == "For tests"

    # A metadata schema, against which the customers of the project are validated.
    age = {"type": "number", "optional": True, "array": False, "gte": 18}
    new = ManagementProjectsMetadataSchemasCreateRequestBody.from_dict({"related_object": "customer", "properties": {"age": age}})
    schema = management.create_metadata_schema(created.id, new)
    assert schema.id.startswith("ms_") and schema.properties["age"]["gte"] == 18
    assert refused(lambda: management.create_metadata_schema(created.id, new)) == (
        409, "Duplicated metadata schema exists with related_object customer")
    young = CustomersCreateRequestBody(source_id="alice", metadata={"age": 9})
    assert refused(lambda: customers.create_customer(young)) == (
        400, "age: must be a number, must be greater than or equal to 18 (actual value is '9')")
    assert [one.id for one in management.list_metadata_schemas1(created.id).data] == [schema.id]
    assert management.get_metadata_schema1(created.id, schema.id).related_object == "customer"
    change = ManagementProjectsMetadataSchemasUpdateRequestBody.from_dict(
        {"properties": {"age": {**age, "gte": 5}}, "allow_defined_only": True})
    assert management.update_metadata_schema(created.id, schema.id, change).allow_defined_only
    assert customers.create_customer(young).metadata == {"age": 9}
    management.delete_metadata_schema(created.id, schema.id)
    assert management.list_metadata_schemas1(created.id).total == 0

    # A custom-event schema.
    new = ManagementProjectsCustomEventSchemasCreateRequestBody.from_dict(
        {"name": "review", "schema": {"properties": {"stars": {"type": "number", "optional": False}}}})
    schema = management.create_custom_event_schema(created.id, new)
    assert (schema.name, schema.var_schema.properties["stars"]["type"]) == ("review", "number")
    review = EventsCreateRequestBody(event="review", customer=Customer(source_id="alice"), metadata={"stars": "five"})
    assert refused(lambda: events.track_custom_event(review)) == (
        400, "stars: must be a number, property is required (actual value is 'five')")
    assert [one.id for one in management.list_custom_event_schemas(created.id).data] == [schema.id]
    change = ManagementProjectsCustomEventSchemasUpdateRequestBody.from_dict(
        {"schema": {"properties": {"stars": {"type": "string", "optional": True}}}})
    assert management.update_custom_event_schema(created.id, schema.id, change).updated_at
    assert management.get_custom_event_schema(created.id, schema.id).var_schema.properties["stars"]["type"] == "string"
    assert events.track_custom_event(review).type == "review"
    management.delete_custom_event_schema(created.id, schema.id)
    assert management.list_custom_event_schemas(created.id).total == 0

    # Another organisation does not see the project.
    other = voucherify.Configuration(host=HOST, api_key={name: str(uuid.uuid4()) for name in KEYS})
    with voucherify.ApiClient(other) as other_api:
        assert refused(lambda: voucherify.ManagementApi(other_api).get_project(created.id)) == (
            404, f"Cannot find project with id {created.id}")

    # Delete the project with its keys.
    management.delete_project(created.id)
    assert management.list_projects().total == 0
    assert refused(lambda: management.get_project(created.id))[0] == 404
    assert refused(lambda: customers.list_customers())[0] == 401
print("done")
