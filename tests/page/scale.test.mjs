// Much at once: long lists, a long history and many events a second. What is measured is in benchmarks/screens.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { goTo, openBrowser, openPage } from "./browser.mjs";
import { deploy } from "./flows.mjs";
import { Server, until } from "./server.mjs";

const kJobs = 2_000;
const kItems = 1_000;
/** Rows that a screen may draw, whatever the list is long. */
const kDrawn = 120;
let server, browser, page, long;

before(async () => {
  server = await new Server().start();
  browser = await openBrowser();
  await deploy(server);
  const jobs = Array.from({ length: kJobs }, () => ({ handler: "mail.unknown", queue: "mail", input: {} }));
  await server.call("POST", "/v1/jobs/batch", { jobs });
  long = (await server.call("POST", "/v1/runs", { workflow: "each", key: "long", input: { items: Array.from({ length: kItems }, (_, i) => i) } })).run_id;
  await until("the long run", async () => (await server.call("GET", `/v1/runs/${long}`)).state === "succeeded", 60);
  page = await openPage(browser, server.url);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test("a long list is read to its end while few rows are drawn", async () => {
  await goTo(page, "/runs?state=ready");
  const rows = page.locator(".table-body [role=row]");
  await rows.first().waitFor();
  const table = page.getByRole("table", { name: "Runs" });
  const last = page.locator(`[role=row][data-index="${kJobs - 1}"]`);
  await until("the end of the list", async () => {
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    return (await table.getAttribute("aria-rowcount")) === String(kJobs + 1) && (await last.isVisible());
  });
  assert.ok((await rows.count()) < kDrawn, `${await rows.count()} rows are drawn`);
});

test("a page that came back empty before the end is gone past", async () => {
  const found = await server.call("GET", "/v1/runs?key=long");
  await page.route(/\/v1\/runs\?.*q=far/, (route) =>
    route.fulfill({ json: route.request().url().includes("cursor=") ? found : { items: [], next_cursor: "00000000-0000-7000-8000-000000000000" } }));
  await goTo(page, "/runs?q=far");
  await page.getByRole("table", { name: "Runs" }).getByText("long").waitFor();
  assert.equal(await page.getByText("No run fits these filters").count(), 0);
});

test("every event of a long history can be reached while few are drawn", async () => {
  await goTo(page, `/runs/${long}?tab=history`);
  await page.getByText(/[\d,.\s]+ events$/).first().waitFor();
  await until("the last event", async () => {
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    return (await page.locator(".event").getByText("ExecutionSucceeded").count()) === 1;
  });
  const drawn = await page.locator(".event").count();
  assert.ok(drawn < kDrawn, `${drawn} events are drawn`);
  await page.getByLabel("newest first").check();
  await page.evaluate(() => scrollTo(0, 0));
  await page.locator('.event[data-index="0"]').getByText("ExecutionSucceeded").waitFor();
});

test("events by the hundred are shown live, and asking does not pile up", async () => {
  await goTo(page, "/runs?workflow=each");
  await page.getByRole("table", { name: "Runs" }).getByText("long").waitFor();
  let open = 0;
  let most = 0;
  let asked = 0;
  const isCall = (request) => request.url().includes("/v1/runs");
  page.on("request", (request) => isCall(request) && (most = Math.max(most, ++open)) && ++asked);
  for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => isCall(request) && --open);
  const begun = Date.now();
  for (let i = 0; i < 40; ++i) {
    await server.call("POST", "/v1/runs", { workflow: "each", key: `live-${i}`, input: { items: [1, 2, 3, 4, 5] } });
    await pause(50);
  }
  await page.getByRole("table", { name: "Runs" }).getByText("live-39").waitFor();
  const seconds = (Date.now() - begun) / 1000;

  assert.ok(most <= 3, `${most} calls at once`);
  assert.ok(asked <= 4 * seconds + 4, `${asked} calls in ${seconds} s`);
  assert.deepEqual(page.faults, []);
});
