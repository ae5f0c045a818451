// SPDX-License-Identifier: MIT
// lookup_orval.mjs IP... - looks hosts up together, and each alone, through the client that orval has
// generated, and prints what it says as one line of JSON each.
import { getHost, getReadyz, postHosts } from "./json_only.js";

declare const process: { argv: string[] };

const ips = process.argv.slice(2);

const ready = await getReadyz();
if (ready.status !== 200) throw new Error(ready.data.detail);

const answer = await postHosts(ips, { wait: 0 });
if (answer.status !== 200) throw new Error(answer.data.detail);
for (const result of answer.data)
  console.log(JSON.stringify(result.status === 200 ? result.host.os_name : result.code));

for (const ip of ips) {
  const alone = await getHost(ip, { format: "parsed", wait: 0 });
  if (alone.status === 200) console.log(JSON.stringify(alone.data.total_conn));
  else if (alone.status === 404) console.log(JSON.stringify(alone.data.type));
  else console.log(JSON.stringify(alone.status));
}
