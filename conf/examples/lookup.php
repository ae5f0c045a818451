<?php
// SPDX-License-Identifier: MIT
// Looks up hosts in p0f-lookupd: one with GET /host/IP, several at once with POST /hosts.
//
//     php lookup.php 192.0.2.7 2001:db8::1
//
// The daemon is at P0F_LOOKUPD_URL, by default http://127.0.0.1:5030. Prints a line for each host. Exit
// status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure. Needs only PHP 8.
define('URL', getenv('P0F_LOOKUPD_URL') ?: 'http://127.0.0.1:5030');

/** The response, or null if p0f does not know the host. Throws RuntimeException on failure. */
function ask(string $path, array $options = []): ?array
{
    $options += ['timeout' => 2, 'ignore_errors' => true, 'header' => 'Content-Type: application/json'];
    $stream = @fopen(URL . $path, 'r', false, stream_context_create(['http' => $options]))
        ?: throw new RuntimeException(error_get_last()['message']);
    $status = stream_get_meta_data($stream)['wrapper_data'][0];
    $answer = json_decode(stream_get_contents($stream), true);
    return match (true) {
        str_contains($status, ' 200') && is_array($answer) => $answer,
        ($answer['type'] ?? '') === 'urn:p0f-lookupd:no-match' => null,
        default => throw new RuntimeException($answer['detail'] ?? URL . ": $status"),
    };
}

/** What p0f knows about a host. */
function lookup(string $ip): ?array
{
    return ask('/host/' . rawurlencode($ip));
}

/** The same about several: a list of query, status, host or code and detail. */
function lookup_all(array $ips): array
{
    return ask('/hosts', ['method' => 'POST', 'content' => json_encode($ips)]);
}

function show(string $ip, ?array $host, ?string $reason = null): void
{
    $os = $host ? trim("$host[os_name] $host[os_flavor]") : $reason;
    echo "$ip: ", $os ?: 'unknown OS', "\n";
}

function main(array $ips): int
{
    if (count($ips) === 1) {
        $host = lookup($ips[0]);
        show($ips[0], $host, "p0f does not know $ips[0]");
        return $host ? 0 : 1;
    }
    $items = lookup_all($ips);
    foreach ($items as $item) {
        show($item['query'], $item['host'] ?? null, $item['detail'] ?? null);
    }
    return max(array_map(fn ($item) => [200 => 0, 404 => 1][$item['status']] ?? 2, $items));
}

try {
    exit(main(array_slice($argv, 1)));
} catch (Throwable $error) {
    fwrite(STDERR, "lookup: {$error->getMessage()}\n");
    exit(2);
}
