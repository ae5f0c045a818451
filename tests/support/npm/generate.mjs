// SPDX-License-Identifier: MIT
// generate.mjs DOCUMENT PLACE - two clients made by orval, of the whole document and, for the daemon at
// PLACE, of its JSON alone: where there are several types of body, orval's clients name none.
import { generate } from "orval";

const [, , input, baseUrl] = process.argv;

await generate({ input, output: { target: "every_type.ts", client: "fetch" } });
await generate({
  input,
  output: {
    target: "json_only.ts",
    client: "fetch",
    baseUrl,
    override: { contentType: { include: ["application/json", "application/problem+json"] } },
  },
});
