// Debian's own Chromium, driven by playwright-core; what is wrong on a page fails the test that opened it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { keys } from "./server.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export async function openBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"] });
}

/** A signed-in page of its own. `page.faults` gathers what the console and the content security policy complained about. */
export async function openPage(browser, url, { role = "admin", path = "/", width = 1280, height = 860, dark = false } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? "dark" : "light", locale: "en-GB", timezoneId: "Europe/Berlin" });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => {
    // What the network says about refused calls and a server that is away is not a fault of the page.
    if (message.type() === "error" && !/Failed to load resource|net::ERR/.test(message.text())) page.faults.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("data:")) page.faults.push(`external request: ${request.url()}`);
  });
  await page.goto(url + path);
  if (role !== null) {
    await page.getByLabel("API key").fill(keys[role]);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator("#menu").waitFor({ state: "attached" });
  }
  return page;
}

/** Goes to a path within the page, as a link does. */
export async function goTo(page, path) {
  await page.evaluate((to) => {
    history.pushState(null, "", to);
    dispatchEvent(new PopStateEvent("popstate"));
  }, path);
}

/** What axe-core finds serious or worse, in one line each. */
export async function seriousFindings(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter((finding) => finding.impact === "serious" || finding.impact === "critical")
    .map((finding) => `${finding.id}: ${finding.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
}
