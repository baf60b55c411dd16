// The page at /docs in a real browser. Nothing but this server is asked, and the browser complains of nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chromium } from "playwright-core";
import { start } from "../clients/server.mjs";

const { CHROMIUM, SCREENSHOT } = process.env;
const CHAT = "POST /v1/chat/completions";

/** Opens the page, and records what the browser asks for and complains of. */
async function open(t, server) {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-dev-shm-usage"], // for root, and for small containers
  });
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1100, height: 1000 } });
  const requests = [];
  const complaints = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
  page.on("pageerror", (error) => complaints.push(`${error}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  await page.goto(`${server.url}/docs`);
  await page.locator(".opblock").first().waitFor();
  return { page, requests, complaints };
}

/** The routes that the page shows, as "GET /health". */
function shown(page) {
  return page.locator(".opblock-summary").evaluateAll((rows) =>
    rows.map((row) => {
      const method = row.querySelector(".opblock-summary-method").textContent;
      return `${method} ${row.querySelector(".opblock-summary-path").dataset.path}`;
    }),
  );
}

function block(page, route) {
  const [method, path] = route.split(" ");
  return page.locator(`.opblock-${method.toLowerCase()}`, { has: page.locator(`[data-path="${path}"]`) });
}

/** Opens the route. */
async function unfold(page, route) {
  await block(page, route).locator(".opblock-summary-control").click();
  await block(page, route).locator(".execute").waitFor();
  return block(page, route);
}

/** Sends the request that the page proposes; returns the status and the text that the page shows of the response. */
async function execute(opened) {
  await opened.locator(".execute").click();
  const response = opened.locator(".live-responses-table .response").first();
  await response.waitFor();
  return {
    status: (await response.locator(".response-col_status").innerText()).trim().split(/\s/)[0],
    text: await response.locator(".response-col_description").innerText(),
  };
}

function assertQuiet({ requests, complaints }, server) {
  const elsewhere = requests.filter((url) => !url.startsWith(`${server.url}/`) && !url.startsWith("data:"));
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(complaints, []);
}

test("shows every route of the document", async (t) => {
  const server = await start(t);
  const opened = await open(t, server);
  const { paths } = await (await fetch(`${server.url}/openapi.json`)).json();
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );

  assert.deepEqual((await shown(opened.page)).sort(), documented.sort());
  await opened.page.screenshot({ path: SCREENSHOT, fullPage: true });
  assertQuiet(opened, server);
});

test("tries a route", async (t) => {
  const server = await start(t);
  const opened = await open(t, server);

  const models = await execute(await unfold(opened.page, "GET /v1/models"));
  assert.equal(models.status, "200");
  assert.match(models.text, /"id": "simulator/);
  assert.ok(opened.requests.includes(`${server.url}/v1/models`));
  assertQuiet(opened, server);
});

test("sends a chat, and shows a stream as it arrives", async (t) => {
  const server = await start(t, { SIMULATOR_TOKENS_PER_SECOND: "8" });
  const opened = await open(t, server);
  const { page } = opened;
  const chat = await unfold(page, CHAT);

  const complete = await execute(chat);
  assert.equal(complete.status, "200");
  assert.match(complete.text, /"object": "chat.completion"/);
  assert.ok(await page.locator("#stream").isHidden());

  await chat.locator(".examples-select-element").first().selectOption("stream");
  await chat.locator(".execute").click();
  const received = page.locator("#stream-text");
  await received.filter({ hasText: '"delta":{"content":' }).waitFor();
  assert.doesNotMatch(await received.innerText(), /\[DONE\]/, "shown before the stream has ended");
  await received.filter({ hasText: "data: [DONE]" }).waitFor();
  assert.match(await received.innerText(), /"usage":\{"prompt_tokens":/);
  await chat.locator(".live-responses-table").filter({ hasText: "[DONE]" }).waitFor();

  await page.locator("#stream-close").click();
  assert.ok(await page.locator("#stream").isHidden());
  assertQuiet(opened, server);
});
