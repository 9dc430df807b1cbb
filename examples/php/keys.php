<?php
// OAuth and the client side with the SDK of PHP; see ../README.md.
declare(strict_types=1);
require __DIR__ . '/sdk.php';

use GuzzleHttp\Client;
use OpenAPI\Client\Api\{ClientSideApi, CustomersApi, OrdersApi};
use OpenAPI\Client\Model\{ClientEventsCreateRequestBody, Customer, CustomersCreateRequestBody};

/** Posts a form: the SDK has no methods for OAuth. */
function form(string $path, array $fields): ?array
{
    $answer = (new Client())->request('POST', HOST . $path, ['headers' => KEYS, 'form_params' => $fields]);
    return json_decode((string) $answer->getBody(), true);
}

// A token with access to customers only, which replaces the keys.
$token = form('/v1/oauth/token', ['grant_type' => 'client_credentials', 'scope' => 'customers']);
check([$token['expires_in'], $token['token_type'], $token['scope']], [900, 'Bearer', 'customers']);
$http = new Client(['headers' => ['Authorization' => "Bearer {$token['access_token']}"]]);
$customers = new CustomersApi($http, configuration([]));
$orders = new OrdersApi($http, configuration([]));
$created = $customers->createCustomer(new CustomersCreateRequestBody(['sourceId' => 'alice', 'name' => 'Alice']));
check($customers->getCustomer('alice')->getId(), $created->getId());
check(refused(fn() => $orders->listOrders(), 'key'), [403, 'missing_required_permission']);
check(form('/v1/oauth/introspect', ['access_token' => $token['access_token']])['active'], true);
form('/v1/oauth/token/revoke', ['access_token' => $token['access_token']]);
check(refused(fn() => $customers->getCustomer('alice'), 'key'), [401, 'unauthorized']);

// The client side: a new pair of keys works for its project on the server side and the client side.
$keys = ['X-Client-Application-Id' => KEYS['X-App-Id'], 'X-Client-Token' => KEYS['X-App-Token']];
$pages = new ClientSideApi(new Client(), configuration($keys));
$event = $pages->trackCustomEventClientSide('https://shop.example', new ClientEventsCreateRequestBody(
    ['event' => 'visit', 'customer' => new Customer(['sourceId' => 'alice'])]));
check([$event->getType(), $event->getCustomer()->getId()], ['visit', $created->getId()]);

// The same id with another token is refused.
$wrong = new CustomersApi(new Client(), configuration(['X-App-Id' => KEYS['X-App-Id'], 'X-App-Token' => 'wrong']));
check(refused(fn() => $wrong->getCustomer('alice'), 'key'), [401, 'unauthorized']);
echo "done\n";
