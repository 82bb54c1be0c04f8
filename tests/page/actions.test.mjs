// Each action, done with the mouse on the page and seen at the server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { goTo, openBrowser, openPage, seriousFindings } from "./browser.mjs";
import { playFlows, startProvider } from "./flows.mjs";
import { Server, until } from "./server.mjs";

let server, provider, browser, ids, page;

before(async () => {
  server = await new Server().start();
  provider = await startProvider();
  browser = await openBrowser();
  ids = await playFlows(server, provider);
  page = await openPage(browser, server.url);
});

after(async () => {
  await browser?.close();
  provider?.close();
  await server?.stop();
});

const run = (id) => server.call("GET", `/v1/runs/${id}`);
const becomes = (id, state) => until(`${id} to be ${state}`, async () => (await run(id)).state === state);
const dialog = () => page.getByRole("dialog");
const confirm = (name) => dialog().getByRole("button", { name, exact: true }).click();
const done = () => dialog().waitFor({ state: "detached" });

test("a signal is sent to the wait, and the run goes on", async () => {
  await goTo(page, `/runs/${ids.waiting}`);
  await page.getByRole("button", { name: "Send signal" }).click();
  await dialog().getByLabel("Signal").selectOption("courier.came");
  await dialog().getByLabel("Payload").fill('{"courier": "van"}');
  assert.deepEqual(await seriousFindings(page), []);
  await confirm("Send");
  await done();
  await becomes(ids.waiting, "succeeded");
  await page.locator(".state-succeeded").first().waitFor();
});

test("a decision is answered with the form of its schema", async () => {
  await goTo(page, "/decisions");
  await page.getByRole("button", { name: "Answer" }).click();
  await dialog().getByLabel("yes").check();
  await dialog().getByLabel("Note").fill("known customer");
  await dialog().getByLabel("Risk").selectOption({ label: "low" });
  assert.deepEqual(await seriousFindings(page), []);
  await confirm("Answer");
  await done();
  await until("the decision to be over", async () => (await run(ids.decision)).waiting_on[0]?.kind === "signal");
  const history = await server.call("GET", `/v1/runs/${ids.decision}/history`);
  const answer = history.items.find((event) => event.type === "SignalConsumed").output.payload;
  assert.deepEqual(answer, { approved: true, note: "known customer", level: "low" });
});

test("a failed run is retried with another input, after a look at the difference", async () => {
  await goTo(page, `/runs/${ids.refused}`);
  await page.getByRole("button", { name: "Retry", exact: true }).click();
  const field = dialog().getByLabel("Input of Charge");
  const before = await field.inputValue();
  assert.match(before, /"amount": -5/);
  await field.fill(before.replace('"amount": -5', '"amount": 5'));
  await dialog().getByLabel("Difference").getByText('+   "amount": 5').waitFor();
  await dialog().getByLabel("Reason").fill("typing error");
  await confirm("Retry with this input");
  await done();
  await becomes(ids.refused, "waiting");
});

test("what the server refuses stays in the dialog with its reason", async () => {
  // Another open run has the key meanwhile.
  await server.call("POST", "/v1/runs", { workflow: "order", key: "order-barbara", input: { customer: "barbara", amount: 1, provider: provider.url } });
  await goTo(page, `/runs/${ids.suspended}`);
  await page.getByRole("button", { name: "Retry", exact: true }).click();
  await confirm("Retry");
  await dialog().getByRole("alert").getByText("key").waitFor();
  await page.keyboard.press("Escape");
  await done();
  assert.equal((await run(ids.suspended)).state, "failed");
});

test("a run is cancelled with a mode and a reason", async () => {
  await goTo(page, `/runs/${ids.timer}`);
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await dialog().getByLabel("Kill").check();
  await dialog().getByLabel("Reason").fill("no longer wanted");
  await confirm("Cancel the run");
  await done();
  await becomes(ids.timer, "cancelled");
});

test("a timer is brought forward", async () => {
  const child = (await run(ids.parent)).waiting_on[0].run_id;
  await goTo(page, `/runs/${child}`);
  await page.getByRole("button", { name: "Now", exact: true }).click();
  await dialog().getByLabel("Reason").fill("we do not wait two hours");
  await confirm("Now");
  await done();
  await becomes(ids.parent, "succeeded");
});

test("a dead letter is given up", async () => {
  await goTo(page, `/runs/${ids.failedJob}`);
  await page.getByRole("button", { name: "Discard" }).click();
  await dialog().getByLabel("Reason").fill("the report is not needed any more");
  await confirm("Discard");
  await done();
  await page.getByText("Discarded by admin-key").waitFor();
  assert.equal((await run(ids.failedJob)).dead_letter, "discarded");
});

test("a queue is paused, limited and resumed", async () => {
  await goTo(page, "/queues");
  const mail = page.getByRole("region", { name: "Queue mail" });
  await mail.getByRole("button", { name: "Pause" }).click();
  await confirm("Pause the queue");
  await done();
  await mail.getByText("paused").first().waitFor();
  await mail.getByRole("button", { name: "Limits" }).click();
  await dialog().getByLabel("At most in hand").fill("3");
  await dialog().getByLabel("Starts (count/seconds)").fill("100/60");
  await confirm("Set the limits");
  await done();
  await mail.getByText("3 in hand, 100 starts in 60 s").waitFor();
  await goTo(page, `/runs/${ids.job}`);
  await page.getByText("the queue mail, which is paused").waitFor();
  await goTo(page, "/queues");
  await mail.getByRole("button", { name: "Resume" }).click();
  await confirm("Resume");
  await done();
  const queue = (await server.call("GET", "/v1/queues")).items.find((item) => item.name === "mail");
  assert.deepEqual([queue.paused, queue.limits.max_in_flight], [false, 3]);
});

test("a schedule is paused, resumed, triggered and filled in", async () => {
  await goTo(page, "/schedules/nightly");
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await confirm("Pause the schedule");
  await done();
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await confirm("Resume");
  await done();
  await page.getByRole("button", { name: "Backfill" }).click();
  await dialog().getByLabel("From (your time zone)").fill("2026-01-01T00:00");
  await dialog().getByLabel("To", { exact: true }).fill("2026-01-03T00:00");
  await confirm("Backfill");
  await done();
  await page.getByRole("table", { name: "Slots" }).getByText("started").first().waitFor();
  await page.getByRole("button", { name: "Start a run now" }).click();
  await confirm("Start it");
  await page.getByRole("tablist", { name: "Views of the run" }).waitFor();
});

test("a schedule is made with its next fires in sight", async () => {
  await goTo(page, "/schedules");
  await page.getByRole("button", { name: "New schedule" }).click();
  await dialog().getByLabel("Name", { exact: true }).fill("weekly");
  await dialog().getByLabel("Starts").selectOption("later");
  await dialog().getByLabel("Time zone").fill("Europe/Berlin");
  const rule = dialog().getByLabel("Cron: minute, hour, day, month, weekday");
  await rule.fill("61 * * * *");
  await dialog().getByRole("alert").waitFor();
  await rule.fill("15 4 * * 1");
  await until("the next fires", async () => (await dialog().getByRole("list", { name: "Next fires" }).getByText(/ 04:15:00/).count()) === 5);
  assert.deepEqual(await seriousFindings(page), []);
  await confirm("Create the schedule");
  await page.getByRole("heading", { name: "weekly" }).waitFor();
  const made = await server.call("GET", "/v1/schedules/weekly");
  assert.deepEqual([made.cron, made.time_zone, made.workflow, made.overlap], ["15 4 * * 1", "Europe/Berlin", "later", "skip"]);
});

test("a webhook endpoint is made, and what makes none is refused in words", async () => {
  await goTo(page, "/webhooks?show=endpoints");
  await page.getByRole("button", { name: "New endpoint" }).click();
  await dialog().getByLabel("Name", { exact: true }).fill("courier");
  await dialog().getByLabel("Secret, better as env:VARIABLE").fill("a-secret");
  await dialog().getByLabel("Signal", { exact: true }).fill("courier.came");
  await dialog().getByLabel("Key, a path into what comes").fill("customer");
  await confirm("Create the endpoint");
  await dialog().getByRole("alert").waitFor();
  assert.deepEqual(await seriousFindings(page), []);
  await dialog().getByLabel("Key, a path into what comes").fill("$.customer");
  await confirm("Create the endpoint");
  await page.getByText("/hooks/default/courier").first().waitFor();
  const made = await server.call("GET", "/v1/webhook-endpoints/courier");
  assert.deepEqual([made.provider, made.signal.key, made.options.header], ["generic_hmac", "$.customer", "X-Signature"]);
});

test("a webhook is read as it came and replayed", async () => {
  await goTo(page, "/webhooks");
  await page.getByRole("button", { name: "shop" }).click();
  await dialog().getByText('"order_id": "order-ada"').waitFor();
  assert.deepEqual(await seriousFindings(page), []);
  await dialog().getByRole("button", { name: "Replay" }).click();
  await page.getByRole("dialog").last().getByRole("button", { name: "Replay", exact: true }).click();
  await until("the replay", async () => (await server.call("GET", "/v1/webhook-deliveries")).items[0].replays === 1);
  await page.keyboard.press("Escape");
});

test("a signal is sent once more to another key", async () => {
  await goTo(page, "/signals?name=nobody.waits");
  await page.getByRole("button", { name: "nobody.waits" }).click();
  await dialog().getByRole("button", { name: "Send once more" }).click();
  const form = page.getByRole("dialog").last();
  await form.getByLabel("Key", { exact: true }).fill("k-2");
  await form.getByRole("button", { name: "Send", exact: true }).click();
  await until("the second signal", async () => (await server.call("GET", "/v1/signals?key=k-2")).items.length === 1);
});

test("a run is started from its definition", async () => {
  await goTo(page, "/workflows/later");
  await page.getByRole("button", { name: "Start a run" }).click();
  await dialog().getByLabel(/^Key/).fill("from-the-page");
  await confirm("Start");
  await page.getByRole("heading", { name: /from-the-page/ }).waitFor();
  assert.deepEqual(page.faults, []);
});
