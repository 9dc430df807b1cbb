<?php
// The life of a customer with the SDK of PHP; see ../README.md.
declare(strict_types=1);
require __DIR__ . '/sdk.php';

use GuzzleHttp\Client;
use OpenAPI\Client\Api\{BinApi, CustomersApi, EventsApi, MetadataSchemasApi, OrdersApi, SegmentsApi};
use OpenAPI\Client\Model\{
    Customer, CustomersCreateRequestBody, CustomersUpdateRequestBody, EventsCreateRequestBody, OrderItem,
    OrdersCreateRequestBody, OrdersUpdateRequestBody, SegmentsCreateRequestBody,
};

const SOURCE_ID = 'erin@fox.com';
$http = new Client();
$configuration = configuration(KEYS);
$customers = new CustomersApi($http, $configuration);
$orders = new OrdersApi($http, $configuration);
$events = new EventsApi($http, $configuration);
$segments = new SegmentsApi($http, $configuration);
$schemas = new MetadataSchemasApi($http, $configuration);
$ids = fn(array $objects): array => array_map(fn($one) => $one->getId(), $objects);
$update = fn(array $members) => $customers->updateCustomer(SOURCE_ID, new CustomersUpdateRequestBody($members));

// The customer.
$created = $customers->createCustomer(new CustomersCreateRequestBody(['sourceId' => SOURCE_ID, 'name' => 'Erin']));
check(preg_match('/^cust_[0-9A-Za-z]{24}$/', $created->getId()), 1);
check($created->getAddress(), null);
check($customers->getCustomer(SOURCE_ID)->getId(), $created->getId());
check($update(['phone' => '+1 933 222 3333'])->getPhone(), '+1 933 222 3333');
check($customers->listCustomers(limit: 5, order: '-created_at')->getTotal(), 1);

// Segments: one with a list, one with a filter. The SDK lists the segments of a customer, and has no method to list all segments.
$listed = $segments->createSegment(new SegmentsCreateRequestBody(
    ['name' => 'Listed', 'type' => 'static', 'customers' => [$created->getId()]]));
check($segments->getSegment($listed->getId())->getName(), 'Listed');
$spent = ['junction' => 'and', 'summary.orders.total_amount' => ['conditions' => ['$more_than' => [100]]]];
$spenders = $segments->createSegment(new SegmentsCreateRequestBody(
    ['name' => 'Spenders', 'type' => 'auto-update', 'filter' => $spent]));
check(json_encode($spenders->getFilter()), json_encode($spent));
check($ids($customers->listCustomerSegments(SOURCE_ID)->getData()), [$listed->getId()]);
check(array_column(call('GET', '/v1/segments')['data'], 'id'), [$spenders->getId(), $listed->getId()]);
$wrong = new SegmentsCreateRequestBody(['name' => 'None', 'type' => 'auto-update', 'filter' => new stdClass()]);
check(refused(fn() => $segments->createSegment($wrong)),
    [400, 'Property .filter has wrong `junction` property. It must be one of: and, or']);

// Orders. When the order is paid, the customer enters the segment; when it is canceled, the customer leaves.
$owner = new Customer(['sourceId' => SOURCE_ID]);
$change = fn(string $id, array $members) => $orders->updateOrder($id, new OrdersUpdateRequestBody($members));
$order = $orders->createOrder(new OrdersCreateRequestBody(
    ['amount' => 100, 'customer' => $owner, 'items' => [new OrderItem(['productId' => 'p', 'quantity' => 1])]]));
check($order->getStatus(), 'CREATED');
check($customers->listCustomers(segmentId: $spenders->getId())->getTotal(), 0);
$order = $change($order->getId(), ['status' => 'PAID', 'amount' => 300]);
check([$order->getStatus(), $order->getTotalAmount()], ['PAID', 300]);
check($orders->getOrder($order->getId())->getAmount(), 300);
check($orders->listOrders(limit: 10)->getTotal(), 1);
check($customers->getCustomer(SOURCE_ID)->getSummary()->getOrders()->getTotalAmount(), 300);
check($ids($customers->listCustomers(segmentId: $spenders->getId())->getCustomers()), [$created->getId()]);
check($ids($customers->listCustomerSegments(SOURCE_ID)->getData()), [$listed->getId(), $spenders->getId()]);
check($change($order->getId(), ['status' => 'FULFILLED'])->getStatus(), 'FULFILLED');
check($customers->listCustomers(segmentId: $spenders->getId())->getTotal(), 1);
check($change($order->getId(), ['status' => 'CANCELED'])->getStatus(), 'CANCELED');
check($customers->getCustomer(SOURCE_ID)->getSummary()->getOrders()->getTotalAmount(), 0);
check($customers->listCustomers(segmentId: $spenders->getId())->getTotal(), 0);

// Custom events. The vendor creates their schemas in its dashboard, the emulator under /_emulator.
$track = fn(string $event, array $metadata = []) => $events->trackCustomEvent(new EventsCreateRequestBody(
    ['event' => $event, 'customer' => $owner, 'metadata' => (object) $metadata]));
check($track('visit')->getType(), 'visit');
$stars = ['stars' => ['type' => 'number', 'optional' => false]];
$schema = call('POST', '/_emulator/custom-event-schemas', ['name' => 'review', 'schema' => ['properties' => $stars]]);
check(refused(fn() => $track('review', ['stars' => 'five'])),
    [400, "stars: must be a number, property is required (actual value is 'five')"]);
check((array) $track('review', ['stars' => 5])->getMetadata(), ['stars' => 5]);

// A metadata schema of customers. The SDK can read schemas, and changes them in the management API only.
$write = fn(array $metadata) => (array) $update(['metadata' => (object) $metadata])->getMetadata();
$lang = ['type' => 'string', 'optional' => true, 'array' => false, 'eq' => ['en', 'de']];
$age = ['type' => 'number', 'optional' => true, 'array' => false];
$metadataSchema = call('POST', '/v1/metadata-schemas',
    ['related_object' => 'customer', 'properties' => ['lang' => $lang, 'age' => $age]]);
check($ids($schemas->listMetadataSchemas()->getSchemas()), [$metadataSchema['id']]);
check(refused(fn() => $write(['lang' => 'fr'])),
    [400, "lang: must be a string, must be equal to one of en,de (actual value is 'fr')"]);
call('PUT', '/v1/metadata-schemas/customer', ['properties' => new stdClass(), 'allow_defined_only' => true]);
check($schemas->getMetadataSchema('customer')->getAllowDefinedOnly(), true);
check(refused(fn() => $write(['shoe' => 44])),
    [400, "shoe: property is not defined in the schema (actual value is '44')"]);
check($write(['lang' => 'en', 'age' => 9]), ['lang' => 'en', 'age' => 9]);
// A key that is defined as a number is compared as a number. The SDK's list has no filters.
$younger = '/v1/customers?filters[metadata.age][conditions][$less_than]=10';
check(call('GET', $younger)['total'], 1);
call('DELETE', '/v1/metadata-schemas/customer');
check($schemas->listMetadataSchemas()->getTotal(), 0);
check(call('GET', $younger)['total'], 0);

// Consents, for which the SDK has no methods.
call('PUT', '/_emulator/consents/cnst_news', ['name' => 'Newsletter']);
check(call('GET', '/v1/consents')['consents']['total'], 1);
call('PUT', '/v1/customers/' . SOURCE_ID . '/consents', ['cnst_news' => true]);

// The whole activity, newest first, in pages of four entries.
$entries = [];
$page = null;
do {
    $page = $customers->listCustomerActivity(SOURCE_ID, limit: 4, startingAfterId: $page?->getMoreStartingAfter());
    check($page->getMoreStartingAfter() !== null, $page->getHasMore());
    array_push($entries, ...$page->getData());
} while ($page->getHasMore());
check(array_map(fn($entry) => substr($entry->getType(), strlen('customer.')), array_reverse($entries)), [
    'created', 'updated', 'order.created',
    'order.updated', 'order.paid', 'segment.entered',
    'order.updated', 'order.fulfilled',
    'order.updated', 'order.canceled', 'segment.left',
    'custom_event', 'custom_event', 'updated', 'consents.given',
]);
[$left, $entered] = $customers->listCustomerActivity(SOURCE_ID, category: 'EFFECT')->getData();
check([$left->getType(), $entered->getType()], ['customer.segment.left', 'customer.segment.entered']);
$data = json_decode(json_encode($entered->getData()), true)['data'];
check($data['segment'], ['id' => $spenders->getId(), 'name' => 'Spenders', 'object' => 'segment']);

// There are no vouchers and campaigns, so there is nothing to redeem and the bin is empty.
check($customers->listCustomerRedeemables(SOURCE_ID, limit: 5)->getData(), []);
check((new BinApi($http, $configuration))->listBinEntries()->getData(), []);

// Permanent deletion.
$deletion = $customers->customerPermanentlyDeletion(SOURCE_ID);
$counts = $deletion->getDataJson();
check($deletion->getObject(), 'pernament_deletion');
check([$counts->getEvents(), $counts->getOrders(), $counts->getOrderEvents(), $counts->getSegments(), $counts->getCustomer()],
    [2, 1, 7, 1, 1]);
check($counts->getCustomerEvents(), 8);
check(refused(fn() => $customers->getCustomer(SOURCE_ID))[0], 404);
$segments->deleteSegment($listed->getId());
check(refused(fn() => $segments->getSegment($listed->getId()))[0], 404);

// Soft deletion.
$other = $customers->createCustomer(new CustomersCreateRequestBody(['name' => 'Frank']));
$customers->deleteCustomer($other->getId());
check(refused(fn() => $customers->getCustomer($other->getId()))[0], 404);
echo "done\n";
