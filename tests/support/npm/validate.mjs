// SPDX-License-Identifier: MIT
// validate.mjs DOCUMENT - whether it is an OpenAPI document, by the schema of the OpenAPI Initiative
// and by the linters of Redocly and Spectral. Prints what is wrong and ends with status 1 when anything is.
import { readFileSync } from "node:fs";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { Validator } from "@seriousme/openapi-schema-validator";
import spectral from "@stoplight/spectral-core";
import parsers from "@stoplight/spectral-parsers";
import rulesets from "@stoplight/spectral-rulesets";

const source = readFileSync(process.argv[2], "utf8");
const wrong = [];

const validator = new Validator();
const { valid, errors } = await validator.validate(JSON.parse(source));
if (!valid) wrong.push(...[errors].flat().map((error) => JSON.stringify(error)));

const config = await createConfig({
  extends: ["recommended-strict"],
  rules: { "no-invalid-schema-examples": "error", "no-invalid-parameter-examples": "error" },
});
for (const problem of await lintFromString({ source, config }))
  wrong.push(`${problem.location[0].pointer}: ${problem.message} (${problem.ruleId})`);

const linter = new spectral.Spectral();
linter.setRuleset({ extends: [rulesets.oas] });
for (const problem of await linter.run(new spectral.Document(source, parsers.Json)))
  wrong.push(`#/${problem.path.join("/")}: ${problem.message} (${problem.code})`);

for (const line of wrong) console.log(line);
console.log(`OpenAPI ${validator.version}: ${wrong.length} wrong`);
process.exitCode = wrong.length ? 1 : 0;
