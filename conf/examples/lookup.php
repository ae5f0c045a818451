<?php
// SPDX-License-Identifier: MIT
// Looks up hosts in p0f-lookupd with POST /hosts, one address per line; in the response, each has its own
// status. For a single host there is also GET /host/IP: its response is the "host" below or, if p0f does not
// know the host, a problem document with status 404 and type urn:p0f-lookupd:no-match.
//
//     php lookup.php 192.0.2.7 2001:db8::1
//
// The daemon is at P0F_LOOKUPD_URL, by default http://127.0.0.1:5030. Prints a line for each host. Exit
// status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure. Needs only PHP 8.1.
$url = getenv('P0F_LOOKUPD_URL') ?: 'http://127.0.0.1:5030';
$request = ['method' => 'POST', 'header' => 'Content-Type: text/plain', 'timeout' => 2, 'ignore_errors' => true];
$request['content'] = implode("\n", array_slice($argv, 1));
$body = @file_get_contents("$url/hosts", false, stream_context_create(['http' => $request]));
$items = json_decode($body, true); // a list of query, status, host or code and detail
if (!is_array($items) || !array_is_list($items)) { // or a problem document
    $reason = $items['detail'] ?? $http_response_header[0] ?? error_get_last()['message'];
    fwrite(STDERR, "lookup: $reason\n");
    exit(2);
}
foreach ($items as $item) {
    $text = $item['detail'] ?? trim("{$item['host']['os_name']} {$item['host']['os_flavor']}");
    echo "$item[query]: ", $text ?: 'unknown OS', "\n";
}
exit(max(array_map(fn ($item) => [200 => 0, 404 => 1][$item['status']] ?? 2, $items)));
