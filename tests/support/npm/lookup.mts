// SPDX-License-Identifier: MIT
// lookup.mjs PLACE IP... - looks hosts up through the client generated from daemon/http/openapi.json, and
// prints what it says as one line of JSON each. It is there to be compiled: what the document does
// not have is an error to the compiler.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { argv: string[] };

type Host = components["schemas"]["Host"];
type RawHost = components["schemas"]["RawHost"];

const [, , place = "", ...ips] = process.argv;
const client = createClient<paths>({ baseUrl: place });

function system(host: Host | RawHost): string | null {
  return "magic" in host ? host.os_name || null : host.os_name;
}

for (const ip of ips) {
  const { data, error, response } = await client.GET("/host/{ip}", {
    params: { path: { ip }, query: { format: "parsed", wait: 0 } },
  });
  if (data) {
    console.log(JSON.stringify({ ip: data.ip, system: system(data), connections: data.total_conn }));
  } else if (error && typeof error !== "string" && error.type === "urn:p0f-lookupd:no-match") {
    console.log(JSON.stringify({ ip: error.ip, status: response.status, why: error.detail }));
  } else {
    console.log(JSON.stringify({ status: response.status, why: error }));
  }
}
