// Three in the morning: 500 failed runs of three causes. From the overview to the last of them finished, on the page alone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser, openPage, seriousFindings } from "./browser.mjs";
import { deploy, failMany, failWithMaintenance, startProvider } from "./flows.mjs";
import { Server, until } from "./server.mjs";

let server, provider, browser;

before(async () => {
  server = await new Server().start();
  provider = await startProvider();
  browser = await openBrowser();
  await deploy(server);
  await failMany(server, provider);
  await until("500 failures", async () => (await server.call("GET", "/v1/dead-letters?limit=500")).items.length === 500, 60);
});

after(async () => {
  await browser?.close();
  provider?.close();
  await server?.stop();
});

test("an operator finds the cause, mends one run by hand, then retries the other 499 at 50 a second and watches them", async () => {
  const page = await openPage(browser, server.url, { role: "operator" });

  // What is wrong, and why: three causes, the largest first.
  const todos = page.locator(".todo li");
  await todos.getByText("payment failed with Http.Status.503").waitFor();
  assert.match(await todos.nth(0).innerText(), /300[\s\S]*payment provider is in maintenance/);
  assert.match(await todos.nth(1).innerText(), /150[\s\S]*merchant suspended/);
  assert.match(await todos.nth(2).innerText(), /50[\s\S]*amount -1 is not positive/);

  // One of the wrong amounts, mended by hand.
  await todos.nth(2).getByRole("link", { name: "Look and retry" }).click();
  const heap = page.getByRole("region", { name: "Http.Status.422 in payment" });
  await heap.getByRole("link", { name: /^many-4/ }).first().click();
  await page.getByText("amount -1 is not positive").first().waitFor();
  const mended = page.url().split("/").pop();
  await page.getByRole("button", { name: "Retry", exact: true }).click();
  const field = page.getByLabel("Input of Charge");
  await field.fill((await field.inputValue()).replace('"amount": -1', '"amount": 1'));
  await page.getByRole("button", { name: "Retry with this input" }).click();
  await page.locator("h1").getByText("succeeded").waitFor();
  assert.equal((await server.call("GET", `/v1/runs/${mended}`)).output.amount, 1);

  // The provider is back, and takes corrections too; the rest in one operation.
  provider.isMended = true;
  provider.takesAll = true;
  await page.getByRole("link", { name: "Runs", exact: true }).first().click();
  await page.getByRole("button", { name: "failed" }).click();
  await page.getByText("499 runs").waitFor();
  await page.getByLabel("Select all rows that are loaded").check();
  await page.getByRole("button", { name: "Select all matching" }).click();
  await page.getByRole("region", { name: "Actions for chosen runs" }).getByRole("button", { name: "Retry" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("499 runs match now").waitFor();
  await dialog.getByLabel("At most so many a second").fill("50");
  await dialog.getByLabel("Reason").fill("the provider is back");
  const begun = Date.now();
  await dialog.getByRole("button", { name: "Retry 499 runs" }).click();

  // Watched until the end: the bar moves, and says when it is over.
  const bar = page.getByRole("progressbar", { name: "Done" });
  await bar.waitFor();
  await until("the bar to move", async () => Number(await bar.getAttribute("aria-valuenow")) > 0);
  await until("the last of them", async () => Number(await bar.getAttribute("aria-valuenow")) === 499, 60);
  await page.getByRole("heading", { name: /Retry 499 runs/ }).getByText("done").waitFor();
  const seconds = (Date.now() - begun) / 1000;
  assert.ok(seconds > 8, `499 at 50 a second took ${seconds} s`);
  await page.getByRole("link", { name: "Runs", exact: true }).first().click();
  await page.getByRole("button", { name: "succeeded" }).click();
  await page.getByText("500 runs").waitFor({ timeout: 60_000 });

  // And the overview has nothing more to say about them.
  await page.getByRole("link", { name: "Overview", exact: true }).click();
  await page.getByText("No failed run waits for anybody.").waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("a heap of dead letters is retried at a rate from its own screen", async () => {
  provider.isMended = false;
  provider.takesAll = false;
  await failWithMaintenance(server, provider, 40);
  await until("40 failures", async () => (await server.call("GET", "/v1/dead-letters?limit=500")).items.length === 40, 60);
  provider.isMended = true;
  const page = await openPage(browser, server.url, { role: "operator", path: "/dead-letters" });

  const heap = page.getByRole("region", { name: "Http.Status.503 in payment" });
  await heap.getByText("payment provider is in maintenance").first().waitFor();
  await heap.getByRole("button", { name: "Retry all 40" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("40 runs match now").waitFor();
  assert.deepEqual(await seriousFindings(page), []);
  await dialog.getByLabel("At most so many a second").fill("20");
  await dialog.getByLabel("Reason").fill("the provider is back");
  const begun = Date.now();
  await dialog.getByRole("button", { name: "Retry 40 runs" }).click();
  const bar = page.getByRole("progressbar", { name: "Done" });
  await until("the last of them", async () => Number(await bar.getAttribute("aria-valuenow")) === 40, 30);

  assert.ok(Date.now() - begun > 1_500, `40 at 20 a second took ${Date.now() - begun} ms`);
  await page.getByRole("link", { name: "Dead letters", exact: true }).first().click();
  await page.getByText("No dead letters").waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});
