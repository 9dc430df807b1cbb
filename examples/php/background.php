<?php
// Background jobs with the SDK of PHP; see ../README.md.
declare(strict_types=1);
require __DIR__ . '/sdk.php';

use GuzzleHttp\Client;
use OpenAPI\Client\Api\{AsyncActionsApi, CustomersApi, ExportsApi, OrdersApi};
use OpenAPI\Client\Model\{
    AsyncActionGetResponseBody, Customer, CustomersMetadataUpdateInBulkRequestBody, CustomersUpdateInBulkRequestBody,
    ExportsCreateRequestBody, ExportsCreateRequestBodyParameters, OrdersExportCreateRequestBody,
    OrdersExportCreateRequestBodyParameters, OrdersImportCreateRequestBodyItem,
};

/** The calls of one project that start background jobs and read what they did. */
class Project
{
    public readonly CustomersApi $customers;
    public readonly OrdersApi $orders;
    public readonly ExportsApi $exports;
    public readonly AsyncActionsApi $actions;

    public function __construct(array $keys)
    {
        [$http, $configuration] = [new Client(), configuration($keys)];
        $this->customers = new CustomersApi($http, $configuration);
        $this->orders = new OrdersApi($http, $configuration);
        $this->exports = new ExportsApi($http, $configuration);
        $this->actions = new AsyncActionsApi($http, $configuration);
    }

    /** Polls until the job is finished, as a user would, and returns the async action. */
    public function done($accepted): AsyncActionGetResponseBody
    {
        while (true) {
            $action = $this->actions->getAsyncAction($accepted->getAsyncActionId());
            if ($action->getStatus() === 'DONE') {
                return $action;
            }
            usleep(20_000);
        }
    }

    public function bulk(array $records): AsyncActionGetResponseBody
    {
        $body = array_map(fn($record) => new CustomersUpdateInBulkRequestBody($record), $records);
        return $this->done($this->customers->updateCustomersInBulk($body));
    }

    public function importCsv(string $text): AsyncActionGetResponseBody
    {
        $path = tempnam(sys_get_temp_dir(), 'csv');
        file_put_contents($path, $text);
        try {
            return $this->done($this->customers->importCustomersUsingCsv(new SplFileObject($path)));
        } finally {
            unlink($path);
        }
    }

    public function importOrders(array $records): AsyncActionGetResponseBody
    {
        $body = array_map(fn($record) => new OrdersImportCreateRequestBodyItem($record), $records);
        return $this->done($this->orders->importOrders($body));
    }

    /** Lists all customers, newest first, in pages that each start after the oldest customer of the page before. */
    public function scroll(): array
    {
        $found = [];
        $cursor = null;
        do {
            $page = $this->customers->listCustomers(limit: 100, order: '-created_at', startingAfter: $cursor);
            foreach ($page->getCustomers() as $customer) {
                $found[] = $customer->getSourceId();
                $created = $customer->getCreatedAt()->format('Y-m-d\TH:i:s.vp');
                $cursor = $cursor === null ? $created : min($cursor, $created);
            }
        } while ($page->getHasMore());
        return $found;
    }
}

$project = new Project(KEYS);

// A bulk update that creates two customers.
$bulk = $project->bulk([
    ['sourceId' => 'alice', 'name' => 'Alice'], ['sourceId' => 'bob', 'metadata' => (object) ['lang' => 'en']],
]);
check([$bulk->getType(), $bulk->getOperationStatus(), $bulk->getProgress()], ['CUSTOMERS.BULK_UPDATE', 'SUCCESS', 100]);
check([$bulk->getResult()['done_count'], $bulk->getResult()['errors']], [2, []]);
check(file_get_contents($bulk->getResult()['reports'][0]), "source_id,found,updated\nalice,false,true\nbob,false,true\n");
check((array) $project->customers->getCustomer('bob')->getMetadata(), ['lang' => 'en']);

// Update the metadata of several customers.
$body = new CustomersMetadataUpdateInBulkRequestBody(['sourceIds' => ['alice', 'bob'], 'metadata' => (object) ['lang' => 'de']]);
check($project->done($project->customers->updateCustomersMetadataInBulk($body))->getResult()['done_count'], 2);
check((array) $project->customers->getCustomer('alice')->getMetadata(), ['lang' => 'de']);

// Import a CSV file.
$imported = $project->importCsv("Source_id,Name,Address_City\ncarol,Carol,Oslo\n");
check($imported->getResult()['message'], '1 customer(s) imported successfully, 0 failed.');
check($project->customers->getCustomer('carol')->getAddress()->getCity(), 'Oslo');

// Import orders.
$alice = new Customer(['sourceId' => 'alice']);
$order = ['sourceId' => 'o1', 'status' => 'PAID', 'amount' => 7000, 'customer' => $alice];
check($project->importOrders([$order])->getResult()['done_count'], 1);
check($project->customers->getCustomer('alice')->getSummary()->getOrders()->getTotalAmount(), 7000);
$latest = $project->actions->listAsyncActions(limit: 2)->getAsyncActions();
check(array_map(fn($action) => $action->getType(), $latest), ['ORDERS.IMPORT', 'CUSTOMERS.IMPORT_CSV']);

// Exports of customers and orders, downloaded with the token of their URL.
$exported = function ($export) use ($project): array {
    check([$export->getStatus(), $export->getResult()], ['SCHEDULED', null]);
    while ($export->getStatus() !== 'DONE') {
        usleep(20_000);
        $export = $project->exports->getExport($export->getId());
    }
    $url = $export->getResult()->getUrl();
    parse_str(parse_url($url, PHP_URL_QUERY), $query);
    $text = file_get_contents($url);
    check($project->exports->downloadExport($export->getId(), $query['token']), $text);
    return [$export->getId(), explode("\n", rtrim($text))];
};
[$id, $lines] = $exported($project->exports->createExport(new ExportsCreateRequestBody([
    'exportedObject' => 'customer',
    'parameters' => new ExportsCreateRequestBodyParameters(['order' => 'source_id', 'fields' => ['source_id', 'name']]),
])));
check(array_slice($lines, 1), ['alice,Alice', 'bob,', 'carol,Carol']);
[, $lines] = $exported($project->orders->createOrderExport(new OrdersExportCreateRequestBody([
    'parameters' => new OrdersExportCreateRequestBodyParameters(['fields' => ['source_id', 'status']]),
])));
check(array_slice($lines, 1), ['o1,PAID']);
check($project->exports->listExports(limit: 5)->getTotal(), 2);
$project->exports->deleteExport($id);
check($project->exports->listExports(limit: 5)->getTotal(), 1);

// A scroll returns each customer exactly once, also those that one job created.
$project = new Project(new_keys());
$expected = [];
$checkScroll = function (array $created) use ($project, &$expected): void {
    array_push($expected, ...$created);
    $found = $project->scroll();
    check([count($found), count(array_unique($found))], [count($expected), count($expected)]);
    sort($found);
    check($found, $expected);
};
$named = fn(string $prefix): array => array_map(fn($number) => $prefix . $number, range(1000, 1249));
$project->bulk(array_map(fn($id) => ['sourceId' => $id], $named('bulk')));
$checkScroll($named('bulk'));
$project->importCsv(implode("\n", ['Source_id', ...$named('csv'), '']));
$checkScroll($named('csv'));
$project->importOrders(array_map(
    fn($id) => ['status' => 'PAID', 'amount' => 100, 'customer' => new Customer(['sourceId' => $id])], $named('order')));
$checkScroll($named('order'));
echo "done\n";
