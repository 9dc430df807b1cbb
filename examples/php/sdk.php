<?php
// Loads the SDK of PHP and points it at the emulator. The scripts of this folder share this file; see ../README.md.
declare(strict_types=1);

use GuzzleHttp\Client;
use OpenAPI\Client\ApiException;
use OpenAPI\Client\Configuration;

// The SDK may use what newer versions of PHP deprecate. Any other warning and any exception end the script with status 1.
error_reporting(E_ALL & ~E_DEPRECATED);
set_error_handler(fn(int $level, string $message, string $file, int $line) =>
    error_reporting() & $level ? throw new ErrorException($message, 0, $level, $file, $line) : false);
set_exception_handler(function (Throwable $error): void {
    fwrite(STDERR, "$error\n");
    exit(1);
});
$checkout = $argv[1] ?? getenv('VOUCHERIFY_PHP_SDK');
if ($checkout) {
    // Guzzle as Debian's package php-guzzlehttp-guzzle installs it, or as Composer does in the checkout.
    $vendor = "$checkout/vendor/autoload.php";
    require_once is_file($vendor) ? $vendor : 'GuzzleHttp/autoload.php';
    spl_autoload_register(function (string $class) use ($checkout): void {
        $prefix = 'OpenAPI\\Client\\';
        if (str_starts_with($class, $prefix)) {
            require_once "$checkout/src/" . strtr(substr($class, strlen($prefix)), '\\', '/') . '.php';
        }
    });
} elseif (is_file(__DIR__ . '/vendor/autoload.php')) {
    require_once __DIR__ . '/vendor/autoload.php';
} else {
    fwrite(STDERR, "skipped: the package rspective/voucherify is not installed, and VOUCHERIFY_PHP_SDK does not name a checkout of the SDK\n");
    exit(0);
}

define('HOST', getenv('VOUCHERIFY_URL') ?: 'http://127.0.0.1:8682');
// A new pair of keys gets an empty project of its own.
define('KEYS', new_keys());

/** Returns a new pair of keys. */
function new_keys(): array
{
    return ['X-App-Id' => bin2hex(random_bytes(16)), 'X-App-Token' => bin2hex(random_bytes(16))];
}

/** Returns a configuration with the given keys. */
function configuration(array $keys): Configuration
{
    $configuration = (new Configuration())->setHost(HOST);
    foreach ($keys as $name => $value) {
        $configuration->setApiKey($name, $value);
    }
    return $configuration;
}

/** Stops the script when the value is not the expected one. */
function check(mixed $actual, mixed $expected): void
{
    if ($actual !== $expected) {
        throw new RuntimeException('expected ' . json_encode($expected) . ', got ' . json_encode($actual));
    }
}

/** Returns the status and one member of the error that the call is answered with. */
function refused(callable $call, string $member = 'details'): array
{
    try {
        $call();
    } catch (ApiException $error) {
        return [$error->getCode(), json_decode((string) $error->getResponseBody(), true)[$member] ?? null];
    }
    throw new RuntimeException('expected an error, got none');
}

/** Calls an operation for which the SDK has no method. */
function call(string $method, string $path, ?array $body = null): ?array
{
    $options = ['headers' => KEYS] + ($body === null ? [] : ['json' => $body]);
    return json_decode((string) (new Client())->request($method, HOST . $path, $options)->getBody(), true);
}
