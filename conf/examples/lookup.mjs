// SPDX-License-Identifier: MIT
// Looks up hosts in p0f-lookupd with POST /hosts, one address per line; in the response, each has its own
// status. For a single host there is also GET /host/IP: its response is the "host" below or, if p0f does not
// know the host, a problem document with status 404 and type urn:p0f-lookupd:no-match.
//
//     node lookup.mjs 192.0.2.7 2001:db8::1
//
// The daemon is at P0F_LOOKUPD_URL, by default http://127.0.0.1:5030. Prints a line for each host. Exit
// status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure. Needs only Node.js 18.
const url = process.env.P0F_LOOKUPD_URL ?? 'http://127.0.0.1:5030';

// An array of { query, status, host or code and detail }. The string is sent as text/plain.
async function lookup(ips) {
  const options = { method: 'POST', body: ips.join('\n'), signal: AbortSignal.timeout(2000) };
  const response = await fetch(`${url}/hosts`, options);
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  throw new Error(problem.detail ?? `${url}: HTTP status ${response.status}`);
}

const items = await lookup(process.argv.slice(2)).catch((error) => {
  console.error(`lookup: ${error.cause?.message || error.cause?.code || error.message}`);
  process.exit(2);
});
for (const { query, host, detail } of items) {
  const words = [detail, host?.os_name, host?.os_flavor].filter(Boolean);
  console.log(`${query}: ${words.join(' ') || 'unknown OS'}`);
}
process.exitCode = Math.max(...items.map(({ status }) => ({ 200: 0, 404: 1 })[status] ?? 2));
