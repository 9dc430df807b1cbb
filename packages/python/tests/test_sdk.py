"""Tests with the official SDK, the package `voucherify`."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from voucherify.api.customers_api import CustomersApi
from voucherify.api.orders_api import OrdersApi
from voucherify.api_client import ApiClient
from voucherify.exceptions import ApiException, ServiceException
from voucherify.models.customer import Customer
from voucherify.models.customers_create_request_body import CustomersCreateRequestBody
from voucherify.models.orders_create_request_body import OrdersCreateRequestBody

if TYPE_CHECKING:
    from voucherify_emulator import Project


@pytest.fixture
def client(voucherify_project: Project) -> ApiClient:
    return ApiClient(voucherify_project.sdk_configuration())


def test_sdk_creates_and_reads(client: ApiClient, voucherify_project: Project) -> None:
    customers, orders = CustomersApi(client), OrdersApi(client)
    created = customers.create_customer(CustomersCreateRequestBody(source_id="alice@morgan.com", name="Alice Morgan"))
    paid = OrdersCreateRequestBody(amount=1200, status="PAID", customer=Customer(source_id="alice@morgan.com"))
    orders.create_order(paid)
    found = customers.get_customer("alice@morgan.com")
    assert found.id == created.id
    assert found.to_dict()["summary"]["orders"]["total_amount"] == 1200
    assert voucherify_project.request_count(operation="create-order", status="2xx") == 1


def test_sdk_meets_a_fault(client: ApiClient, voucherify_project: Project) -> None:
    customers = CustomersApi(client)
    voucherify_project.faults.add(operation="create-customer", status=500, after=True, times=1)
    with pytest.raises(ServiceException):
        customers.create_customer(CustomersCreateRequestBody(source_id="bob@smith.com"))
    assert customers.get_customer("bob@smith.com").source_id == "bob@smith.com"


def test_sdk_sees_the_clock_of_the_project(client: ApiClient, voucherify_project: Project) -> None:
    voucherify_project.clock.freeze("2030-01-01T00:00:00Z")
    created = CustomersApi(client).create_customer(CustomersCreateRequestBody(source_id="carol@jones.com"))
    assert created.created_at == datetime(2030, 1, 1, tzinfo=timezone.utc)
    with pytest.raises(ApiException) as refused:
        CustomersApi(client).get_customer("dave@lee.com")
    assert refused.value.status == 404
