// SPDX-License-Identifier: MIT
// Looks up hosts in p0f-lookupd: one with GET /host/IP, several at once with POST /hosts.
//
//     node lookup.mjs 192.0.2.7 2001:db8::1
//
// The daemon is at P0F_LOOKUPD_URL, by default http://127.0.0.1:5030. Prints a line for each host. Exit
// status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure. Needs only Node.js 18.
const url = process.env.P0F_LOOKUPD_URL ?? 'http://127.0.0.1:5030';

// The response, or null if p0f does not know the host. Throws on failure.
async function ask(path, options = {}) {
  const response = await fetch(url + path, { ...options, signal: AbortSignal.timeout(2000) });
  if (response.status === 200) return response.json();
  const problem = await response.json().catch(() => ({}));
  if (problem.type === 'urn:p0f-lookupd:no-match') return null;
  throw new Error(problem.detail ?? `${url}: HTTP status ${response.status}`);
}

// What p0f knows about a host.
async function lookup(ip) {
  const host = await ask(`/host/${encodeURIComponent(ip)}`);
  if (host && !host.ip) throw new Error(`${ip} is not an address`); // fetch() makes / of /host/..
  return host;
}

// The same about several: an array of { query, status, host or code and detail }.
async function lookupAll(ips) {
  const headers = { 'Content-Type': 'application/json' };
  return ask('/hosts', { method: 'POST', headers, body: JSON.stringify(ips) });
}

function show(ip, host, reason) {
  const names = host ? [host.os_name, host.os_flavor] : [reason];
  console.log(`${ip}: ${names.filter(Boolean).join(' ') || 'unknown OS'}`);
}

async function main(ips) {
  if (ips.length === 1) {
    const host = await lookup(ips[0]);
    show(ips[0], host, `p0f does not know ${ips[0]}`);
    return host ? 0 : 1;
  }
  const items = await lookupAll(ips);
  items.forEach(({ query, host, detail }) => show(query, host, detail));
  return Math.max(...items.map(({ status }) => ({ 200: 0, 404: 1 })[status] ?? 2));
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`lookup: ${error.cause?.message || error.cause?.code || error.message}`);
  process.exitCode = 2;
}
