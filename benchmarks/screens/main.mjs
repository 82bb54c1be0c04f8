// Fills a server's database and measures what the screens ask of it. See ./run.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { playFlows, startProvider } from "../../tests/page/flows.mjs";
import { keys, Server, until } from "../../tests/page/server.mjs";
import { measurePage } from "./page.mjs";
import { measure, requests } from "./requests.mjs";

const kTimes = 20;
const kLimitMs = 100;
const kReadyJobs = 10_000;
const { values: options } = parseArgs({
  options: { finished: { type: "string", default: "1000000" }, open: { type: "string", default: "100000" }, only: { type: "string" }, keep: { type: "boolean", default: false } },
});

async function fill(server, ids) {
  for (let i = 0; i < kReadyJobs / 1000; ++i) {
    await server.call("POST", "/v1/jobs/batch", { jobs: Array.from({ length: 1000 }, () => ({ handler: "mail.unknown", queue: "mail", input: {} })) });
  }
  for (let i = 0; i < 150; ++i) await server.call("POST", "/v1/schedules", { name: `copy-${i}`, every_seconds: 86_400, workflow: "later", input: {} });
  const done = (await server.call("POST", "/v1/jobs", { handler: "echo", input: {} })).run_id;
  for (const id of [done, ids.map]) await until("a finished model", async () => (await server.call("GET", `/v1/runs/${id}`)).state === "succeeded");
  // Stopped like this the database stays up, and the server reads everything anew afterwards, as after an update.
  await server.kill();
  const url = readFileSync(join(server.folder, "database-url"), "utf8").trim();
  const begun = performance.now();
  execFileSync("psql", ["-X", "-q", "-v", `finished=${options.finished}`, "-v", `open=${Number(options.open) - kReadyJobs}`, "-f", new URL("fill.sql", import.meta.url).pathname, url], { stdio: ["ignore", "ignore", "inherit"] });
  console.log(`filled in ${((performance.now() - begun) / 1000).toFixed(0)} s: ${options.finished} finished, ${options.open} open runs`);
  await server.start();
}

async function measureServer(server, ids) {
  const old = await server.call("GET", `/v1/runs?limit=1&started_before=${new Date(Date.now() - 15 * 86_400_000).toISOString()}`);
  const delivery = (await server.call("GET", "/v1/webhook-deliveries?limit=1")).items[0].delivery_id;
  let over = 0;
  console.log(`\n${"request".padEnd(42)} median  worst ms`);
  for (const [name, path] of requests(ids, old.items[0].run_id, delivery)) {
    const taken = await measure(server, path, keys.admin, kTimes);
    const median = taken[kTimes / 2];
    const worst = taken[kTimes - 1];
    if (worst >= kLimitMs) ++over;
    console.log(`${name.padEnd(42)} ${median.toFixed(1).padStart(6)} ${worst.toFixed(1).padStart(6)}${worst >= kLimitMs ? "  too slow" : ""}`);
  }
  console.log(`\n${over} requests took ${kLimitMs} ms or more at worst`);
  return over;
}

const server = await new Server().start();
const provider = await startProvider();
let failures = 0;
try {
  const ids = await playFlows(server, provider);
  await fill(server, ids);
  if (options.only !== "page") failures += await measureServer(server, ids);
  if (options.only !== "server") failures += await measurePage(server, ids);
} finally {
  provider.close();
  if (options.keep) console.log(`left running: ${server.url}, process ${server.process.pid}, its database in ${server.folder}`);
  else await server.stop();
}
process.exit(failures === 0 ? 0 : 1);
