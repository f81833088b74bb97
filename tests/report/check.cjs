// Drives headless Chromium over reports of three projects: a small one with runs that differ, one whose names are
// markup, and one of ten thousand cells. `tests/report/run` starts it.
"use strict";

const assert = require("node:assert/strict");
const { execFileSync, spawn } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { chromium } = require("playwright-core");

const { CHROMIUM_PATH, TOY, SCREENSHOTS, WORK } = process.env;
const toy = path.resolve(TOY);
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const SMALL = `
pipeline: small
about: Two axes, a figure and a table.
params: { seeds: [1, 2, 3], sites: [north, south], plus: 0, title: One title }
stages:
  one: { for: { seed: "\${seeds}", site: "\${sites}" }, uses: constant, config: { value: "\${seed}" } }
  sum: { for: { seed: "\${seeds}" }, uses: add, inputs: { terms: "one[seed=\${seed}]" }, config: { plus: "\${plus}" } }
  plot: { uses: draw, inputs: { numbers: "sum[*]" }, config: { title: "\${title}" } }
  count: { uses: command, shell: true, run: "echo counting; echo '{\\"rows\\": '$((3 + \${plus}))'}' > m.json; echo 3 > \${out.n}", outputs: { n: { file: n.txt } }, metrics: { file: m.json } }
publish: { results/plot: plot, results/table: plot.table, results/n.bin: count }
`;

const HOSTILE = `
pipeline: hostile
about: '</title><script>alert(1)</script><img src=x onerror=alert(2)>'
params: { __proto__: '</script><script>alert(3)</script>' }
stages:
  say: { for: { who: ['<img src=x onerror=alert(4)>', b] }, uses: command, shell: true, run: "echo '<svg onload=alert(5)>' | tee \${out.x}", outputs: { x: { file: x.txt } } }
`;

const numbers = (count) => Array.from({ length: count }, (_, number) => number).join(", ");
const MANY = `
pipeline: many
params: { x: [${numbers(100)}], y: [${numbers(99)}] }
stages:
  one: { for: { x: "\${x}", y: "\${y}" }, uses: constant, config: { value: "\${x}" } }
  row: { for: { x: "\${x}" }, uses: add, inputs: { terms: "one[x=\${x}]" }, config: { plus: 0 } }
`;

function project(name, pipeline) {
  const folder = path.join(WORK, name);
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, "dgpipe.toml"), "");
  fs.writeFileSync(path.join(folder, "pipeline.yaml"), pipeline);
  return folder;
}

const call = (folder, ...words) => execFileSync(toy, words, { cwd: folder, stdio: "pipe" });

function report(folder) {
  call(folder, "report", "pipeline.yaml", "--out", "site");
  return pathToFileURL(path.join(folder, "site", "index.html")).href;
}

const checks = [];
const check = (name, run) => checks.push([name, run]);

async function opened(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.trouble = [];
  page.on("console", (message) => message.type() === "error" && page.trouble.push(message.text()));
  page.on("pageerror", (error) => page.trouble.push(error.message));
  page.on("dialog", (dialog) => {
    page.trouble.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  const home = address.slice(0, address.lastIndexOf("/") + 1);
  page.on("request", (request) => request.url().startsWith(home) || page.trouble.push(`a request of ${request.url()}`));
  await page.goto(address);
  return page;
}

async function shot(page, name) {
  if (SCREENSHOTS) await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`) });
}

const visible = (page) => page.locator(".row").allInnerTexts();

check("it opens from a disk, without a word on the console and without asking for anything else", async ({ page }) => {
  assert.equal(await page.title(), "small · dgpipe");
  assert.equal(await page.locator(".row").count(), 13, "every stage, and the cells of the two that have several");
  await shot(page, "light");
});

check("a stage of the picture unfolds, with the mouse and with the keyboard", async ({ page }) => {
  await page.locator('.node[aria-label^="one,"]').click();
  assert.equal(await page.locator("#unfolded .dot").count(), 6);
  assert.equal(await page.locator("#unfolded thead th").count(), 4, "two sites would be two columns; seeds are three");
  await page.locator('.node[aria-label^="sum,"]').focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.locator("#unfolded .dot").count(), 3);
  assert.equal(await page.locator('.node[aria-expanded="true"]').getAttribute("aria-label"), await page.locator('.node[aria-label^="sum,"]').getAttribute("aria-label"));
  await page.locator("#unfolded .dot").first().focus();
  await page.keyboard.press("ArrowRight");
  assert.match(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), /^sum\[seed=2\]/);
});

check("the list filters by name and by state", async ({ page }) => {
  await page.locator("#filter").fill("seed=2 north");
  assert.match(await page.locator("#found").innerText(), /^1 cell found/);
  assert.equal((await visible(page)).length, 2, "the cell under its stage");
  await page.locator("#filter").fill("");
  await page.locator("#filter-states .stale input").check();
  assert.ok((await visible(page)).some((row) => row.includes("plot")), "the pipeline file has changed since the last run");
  await page.locator("#filter-states .stale input").uncheck();
});

check("the list is walked, folded and opened with the keyboard alone", async ({ page }) => {
  await page.locator("#tree").focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowLeft");
  const folded = (await visible(page)).length;
  await page.keyboard.press("ArrowRight");
  assert.equal((await visible(page)).length, folded + 6);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator("#cell-title").waitFor();
  assert.equal(await page.locator("#cell-title").innerText(), "one[seed=1,site=north]");
  assert.ok((await page.locator("#cell").innerText()).includes("key"));
  await page.keyboard.press("Escape");
  assert.ok(await page.locator("#cell").isHidden());
  assert.equal(await page.evaluate(() => document.activeElement.id), "tree", "the focus is where it was");
});

check("a cell shows its reasons, inputs and log, and leads to what it reads", async ({ page, address }) => {
  await page.goto(`${address}#cell/plot`);
  await page.locator("#cell-title").waitFor();
  const text = await page.locator("#cell").innerText();
  for (const part of ["to execute", "title", "Another title", "numbers", "sum[seed=1]"]) assert.ok(text.includes(part), part);
  await shot(page, "cell");
  await page.locator("#cell a", { hasText: "sum[seed=1]" }).click();
  await page.waitForFunction(() => document.getElementById("cell-title").textContent === "sum[seed=1]");
  await page.goto(`${address}#cell/count`);
  await page.waitForFunction(() => document.getElementById("cell").textContent.includes("counting"));
  await page.keyboard.press("Escape");
});

check("runs have a timeline, and any two are compared", async ({ page }) => {
  await page.locator(".show-run").last().click();
  await page.locator(".chart .span").first().waitFor();
  assert.equal(await page.locator(".chart .span").count(), 8, "equal work is done once");
  await page.locator("#one").selectOption("1");
  await page.locator("#other").selectOption("0");
  const text = await page.locator("#comparison").innerText();
  assert.match(text, /plus\s+0\s+5/);
  assert.match(text, /count\s+rows\s+3\s+8\s+\+5/);
  assert.ok(!text.includes("seeds"), "what is the same is left out");
  await page.locator("#differing").uncheck();
  assert.ok((await page.locator("#comparison").innerText()).includes("seeds"));
});

check("figures are there with their passports", async ({ page }) => {
  const image = page.locator(".sheet img").first();
  await image.scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelector(".sheet img").naturalWidth > 0);
  await page.locator(".passport summary").first().click();
  assert.ok((await page.locator(".passport[open]").innerText()).includes("recipe"));
});

check("it is dark where that is wanted, fits a narrow window, and prints whole", async ({ page }) => {
  await page.evaluate(() => scrollTo(0, 0));
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await shot(page, "dark");
  await page.emulateMedia({ colorScheme: "light" });
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), dark);
  await page.setViewportSize({ width: 360, height: 740 });
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360, "nothing sticks out");
  await shot(page, "narrow");
  await page.setViewportSize({ width: 1280, height: 900 });
  const pdf = await page.pdf({ format: "A4" });
  assert.ok(pdf.length > 10_000);
  assert.deepEqual(page.trouble, []);
});

async function plain(browser, address) {
  const page = await opened(browser, address, { javaScriptEnabled: false });
  const text = await page.locator("body").innerText();
  for (const part of ["small", "Stages", "done", "plot.svg", "need JavaScript"]) assert.ok(text.includes(part), part);
  assert.ok(await page.locator("#picture text").first().isVisible());
  await page.context().close();
}

async function hostile(browser) {
  const folder = project("hostile", HOSTILE);
  call(folder, "run", "pipeline.yaml", "-q");
  const page = await opened(browser, report(folder));
  await page.locator(".row").nth(1).click();
  await page.locator("#cell-title").waitFor();
  assert.ok((await page.locator("#cell").innerText()).includes("<svg onload=alert(5)>"));
  assert.ok((await page.locator(".about").innerText()).startsWith("</title><script>alert(1)</script>"));
  assert.equal(await page.locator("img, #main script").count(), 0);
  assert.deepEqual(page.trouble, []);
  await page.context().close();
}

async function many(browser) {
  const folder = project("many", MANY);
  const address = report(folder);
  const page = await opened(browser, address);
  const begun = Date.now();
  await page.goto(`${address}?again`);
  await page.locator(".row").first().waitFor();
  console.log(`      10,000 cells open in ${Date.now() - begun} ms`);
  await page.locator("#unfold-all").click();
  const there = await page.evaluate(() => document.querySelectorAll("*").length);
  assert.ok(there < 1500, `${there} elements for 10,000 cells`);
  await page.locator("#tree").focus();
  await page.keyboard.press("End");
  assert.ok((await page.locator(".row.here").innerText()).includes("[x=99]"));
  await page.locator("#filter").fill("x=42");
  assert.match(await page.locator("#found").innerText(), /^100 cells found/);
  assert.deepEqual(page.trouble, []);
  await page.context().close();
}

async function live(browser) {
  const go = path.join(WORK, "go");
  const folder = project("live", `pipeline: live\nstages:\n  one: { uses: constant, config: { value: 1 } }\n  slow: { uses: command, shell: true, run: "while [ ! -e ${go} ]; do sleep 0.02; done; echo x > \${out.x}", inputs: { one: one }, outputs: { x: { file: x.txt } } }\n`);
  const server = spawn(toy, ["serve", "pipeline.yaml", "-q"], { cwd: folder });
  try {
    const address = await new Promise((ready) => server.stdout.once("data", (text) => ready(String(text).trim())));
    const page = await opened(browser, address);
    await page.locator(".row").first().waitFor();
    const run = spawn(toy, ["run", "pipeline.yaml", "-q"], { cwd: folder });
    const ended = new Promise((ready) => run.once("exit", ready));
    await page.locator("#now", { hasText: "1 of 2 cells" }).waitFor();
    await page.locator('.row .state.running').waitFor();
    await shot(page, "live");
    fs.writeFileSync(go, "");
    assert.equal(await ended, 0);
    await page.locator("#legend", { hasText: "2 current" }).waitFor();
    await page.locator("table.runs", { hasText: "done" }).waitFor();
    assert.deepEqual(page.trouble, []);
    await page.context().close();
  } finally {
    server.kill();
  }
}

async function main() {
  const browser = await chromium.launch({ executablePath: CHROMIUM_PATH, headless: true, args: FLAGS });
  let failed = 0;
  const attempt = async (name, run) => {
    try {
      await run();
      console.log(`ok    ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED ${name}\n${error.stack}`);
    }
  };
  try {
    const folder = project("small", SMALL);
    call(folder, "run", "pipeline.yaml", "-q");
    call(folder, "run", "pipeline.yaml", "-q", "--set", "plus=5");
    const file = path.join(folder, "pipeline.yaml");
    fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace("One title", "Another title"));
    const address = report(folder);
    const page = await opened(browser, address);
    for (const [name, run] of checks) await attempt(name, () => run({ page, address }));
    await attempt("without a script it can be read", () => plain(browser, address));
    await attempt("names, params and logs that are markup stay text", () => hostile(browser));
    await attempt("ten thousand cells are a list of which only what is in sight exists", () => many(browser));
    await attempt("a served page follows a run", () => live(browser));
  } finally {
    await browser.close();
  }
  process.exitCode = failed ? 1 : 0;
}

main();
