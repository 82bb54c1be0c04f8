// A server that dies and comes back: what is on the screen stays, is said to be old, and is renewed by itself.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { goTo, openBrowser, openPage } from "./browser.mjs";
import { deploy } from "./flows.mjs";
import { Server, until } from "./server.mjs";

let server, browser;

before(async () => {
  server = await new Server().start();
  browser = await openBrowser();
  await deploy(server);
  await server.call("POST", "/v1/runs", { workflow: "later", input: {}, key: "run-before" });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test("the page says that the server is away, keeps what it knows, and goes on when it is back", async () => {
  const page = await openPage(browser, server.url);
  // The code of every screen comes by itself.
  await until("the last screen's code", () =>
    page.evaluate(() => performance.getEntriesByType("resource").some((entry) => /state_graph-.*js$/.test(entry.name))));
  await goTo(page, "/runs");
  await page.getByText("run-before").waitFor();

  await server.kill();
  await page.getByRole("alert").getByText("The server does not answer.").waitFor();
  assert.equal(await page.getByText("run-before").count(), 1);
  await goTo(page, "/queues");
  await page.getByRole("heading", { name: "Queues" }).waitFor();
  await goTo(page, "/runs");
  await page.getByText("run-before").waitFor();

  await server.start();
  await page.getByRole("alert").waitFor({ state: "detached", timeout: 20_000 });
  await server.call("POST", "/v1/runs", { workflow: "later", input: {}, key: "afterwards" });
  await page.getByText("afterwards").waitFor();
  assert.deepEqual(page.faults, []);
});
