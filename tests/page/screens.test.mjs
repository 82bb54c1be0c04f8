// Each screen, as an operator finds it: what it shows, that it can be read by everybody, in the dark, on a telephone.
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

/** Path of each screen, and words that stand on it once it has loaded. */
const screens = () => ({
  "/": ["What needs a person", "Failures by error", "Http.Status.503", "Nobody performs mail.unknown"],
  "/runs": ["Newest first", "order-ada", "courier.came"],
  "/runs?state=failed": ["order-edsger", "Http.Status.422"],
  [`/runs/${ids.waiting}`]: ["Waits for the signal courier.came or order.cancelled with key ada", "AwaitCourier"],
  [`/runs/${ids.down}?tab=timeline`]: ["Http.Status.503", "2 attempts"],
  [`/runs/${ids.succeeded}?tab=history`]: ["ExecutionStarted", "TaskScheduled", "events"],
  [`/runs/${ids.succeeded}?tab=data`]: ["Output", "grace"],
  [`/runs/${ids.parent}?tab=signals`]: ["later", "Children"],
  [`/runs/${ids.timer}`]: ["Waits for its time"],
  [`/runs/${ids.job}`]: ["a free worker for mail.unknown in queue mail"],
  "/dead-letters": ["Http.Status.422", "amount -5 is not positive", "Report.Broken"],
  "/decisions": ["Approve the large order?"],
  "/queues": ["mail", "no limits"],
  "/schedules": ["nightly", "30 2 * * *"],
  "/schedules/nightly": ["Next fires", "02:30", "The clocks change"],
  "/signals": ["nobody.waits", "consumed"],
  "/webhooks": ["generic_hmac", "accepted"],
  "/webhooks?show=endpoints": ["/hooks/default/shop", "shop.order"],
  "/workflows": ["family", "order"],
  "/workflows/order": ["What changed", "The first version.", "IsLarge"],
  "/operations": ["Operations"],
  "/approvals": ["Approvals"],
  "/audit": ["Audit"],
  "/nodes": ["page-test", "oldest snapshot"],
});

async function shows(path, words) {
  await goTo(page, path);
  for (const word of words) await page.getByText(word, { exact: false }).first().waitFor();
}

test("every screen shows what is there", async () => {
  for (const [path, words] of Object.entries(screens())) await shows(path, words);
  assert.deepEqual(page.faults, []);
});

test("axe-core finds nothing serious on any screen, light or dark", async () => {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const [path, words] of Object.entries(screens())) {
      await shows(path, words);
      assert.deepEqual(await seriousFindings(page), [], `${path}, ${colorScheme}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
});

test("no screen is wider than a telephone of 400 pixels", async () => {
  await page.setViewportSize({ width: 400, height: 800 });
  for (const [path, words] of Object.entries(screens())) {
    // What only wide screens show may be missing here.
    await shows(path, words.slice(0, 0));
    await page.locator("#content h1").first().waitFor();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 400, `${path} is ${width} wide`);
  }
  await page.getByRole("button", { name: "Menu" }).click();
  await page.getByRole("link", { name: "Queues" }).click();
  await page.getByRole("heading", { name: "Queues and workers" }).waitFor();
  await page.setViewportSize({ width: 1280, height: 860 });
});

test("the page comes quickly and is small", async () => {
  const fresh = await openPage(browser, server.url, { role: null });
  const sizes = await fresh.evaluate(() => performance.getEntriesByType("resource").filter((entry) => /assets/.test(entry.name)).map((entry) => entry.encodedBodySize));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(total > 10_000 && total < 200_000, `${total} bytes`);
  await fresh.context().close();
});

test("filters are the address", async () => {
  await goTo(page, "/runs");
  await page.getByRole("button", { name: "failed" }).click();
  await page.getByLabel("Filter by").selectOption("workflow");
  await page.getByLabel("Value").selectOption("order");
  await page.getByText("workflow: order").waitFor();
  assert.equal(new URL(page.url()).search, "?state=failed&workflow=order");
  const rows = page.getByRole("table", { name: "Runs" }).getByRole("row");
  await until("three rows are left", async () => (await page.locator(".table-body [role=row]").count()) === 3);
  assert.equal(await rows.count(), 4);

  await page.goBack();
  await page.getByText("workflow: order").waitFor({ state: "detached" });
});

test("a view keeps its filters under a name", async () => {
  await goTo(page, "/runs?state=waiting");
  await page.getByText("Saved views").click();
  await page.getByLabel("Name of the view").fill("who waits");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await goTo(page, "/runs");
  await page.getByRole("link", { name: "who waits" }).click();
  assert.equal(new URL(page.url()).search, "?state=waiting");
});

test("a run is found by its key, its attribute and its id", async () => {
  await page.keyboard.press("/");
  await page.getByRole("searchbox", { name: /Find a run/ }).fill("order-gra");
  await page.keyboard.press("Enter");
  await page.getByRole("table", { name: "Runs" }).getByText("order-grace").waitFor();
  await goTo(page, "/runs?attribute.customer=linus");
  await page.getByRole("table", { name: "Runs" }).getByText("order-linus").waitFor();
  await page.getByRole("searchbox", { name: /Find a run/ }).fill(ids.map);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /each/ }).waitFor();
});

test("the keyboard walks the rows and opens one", async () => {
  await goTo(page, "/runs?state=failed");
  const first = page.locator('[role=row][data-index="0"]');
  await first.focus();
  await page.keyboard.press("j");
  await page.locator('[role=row][data-index="1"]:focus').waitFor();
  await page.keyboard.press("x");
  await page.getByText("1 chosen").waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("tablist", { name: "Views of the run" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("q");
  await page.getByRole("heading", { name: "Queues and workers" }).waitFor();
});

test("nothing to show is said in words", async () => {
  for (const [path, words] of [
    ["/runs?key=none", "No run fits these filters"],
    ["/dead-letters?error=None", "Nothing fits"],
    ["/signals?name=none", "No signal fits"],
    ["/runs/00000000-0000-7000-8000-000000000000", "There is no such run"],
    ["/workflows/none", "There is no such definition"],
    ["/schedules/none", "There is no such schedule"],
    ["/elsewhere", "There is no such page"],
  ]) {
    await shows(path, [words]);
  }
});

test("what the server refuses is shown as it said it", async () => {
  await shows("/runs?waiting_on=nonsense", ["must be a kind of waiting_on"]);
});

test("what a viewer may not do is absent, and refused by the server too", async () => {
  const view = await openPage(browser, server.url, { role: "viewer", path: `/runs/${ids.waiting}` });
  await view.getByText("Waits for the signal").waitFor();
  for (const name of ["Cancel", "Pause", "Edit", "Skip", "Send signal"]) assert.equal(await view.getByRole("button", { name, exact: true }).count(), 0, name);
  assert.equal(await view.getByRole("link", { name: "Audit" }).count(), 0);
  const status = await view.evaluate((id) => fetch(`/v1/runs/${id}/cancel`, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" }).then((answer) => answer.status), ids.waiting);
  assert.equal(status, 403);
  await view.context().close();
});

test("a wrong key is refused, signing out forgets the session, and no script sees it", async () => {
  const fresh = await openPage(browser, server.url, { role: null });
  await fresh.getByLabel("API key").fill("not-a-key-of-this-server");
  await fresh.getByRole("button", { name: "Sign in" }).click();
  await fresh.getByRole("alert").getByText("unknown, expired or revoked").waitFor();
  assert.deepEqual(await seriousFindings(fresh), []);
  await fresh.context().close();

  const signed = await openPage(browser, server.url);
  assert.equal(await signed.evaluate(() => document.cookie), "");
  const [cookie] = await signed.context().cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
  await signed.getByRole("button", { name: "Sign out" }).click();
  await signed.getByLabel("API key").waitFor();
  assert.deepEqual(await signed.context().cookies(), []);
  await signed.context().close();
});
