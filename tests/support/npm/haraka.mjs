// SPDX-License-Identifier: MIT
// haraka.mjs NPM_DIR DIRECTORY - as much of Haraka as its plugin p0f sees, around the real plugin and the
// real reader of its settings, DIRECTORY/config/p0f.ini. (All of Haraka is 42 MB, and needs a newer Node than
// Debian has.) Each line of stdin is the address of a client who sends a message; printed is, once the
// plugin has let that go on, a line of JSON with the results and the headers that it has added.
import { createRequire } from "node:module";
import readline from "node:readline";

process.env.HARAKA = process.argv[3];
// It waits for 5 s before it connects again.
const setRealInterval = globalThis.setInterval;
globalThis.setInterval = (callback, milliseconds) => setRealInterval(callback, milliseconds / 100);

const require = createRequire(`${process.argv[2]}/`);
const hooks = {};
const plugin = {
  ...require("haraka-plugin-p0f"),
  name: "p0f",
  config: require("haraka-config"),
  register_hook: (hook, method) => (hooks[hook] = method),
};
const log = () => {};
const server = { notes: {}, logerror: (...words) => console.error(...words) };

plugin.register();
plugin[hooks.init_master](log, server);

const next = (hook, connection) => new Promise((resolve) => plugin[hooks[hook]](resolve, connection));

for await (const ip of readline.createInterface({ input: process.stdin })) {
  const results = {}, headers = {};
  const connection = {
    server, loginfo: log, logdebug: log, logerror: console.error,
    remote: { ip, is_private: false },  // of those it asks nothing
    results: { add: (_, more) => Object.assign(results, more), get: () => results },
    transaction: { remove_header: (name) => delete headers[name],
                   add_header: (name, value) => (headers[name] = value) },
  };
  next("lookup_rdns", connection)
    .then(() => results.err ?? next("data_post", connection))
    .then(() => console.log(JSON.stringify({ ip, results, headers })));
}
process.exit();
