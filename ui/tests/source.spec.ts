import { existsSync, readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { expect, test } from "./page";

test("a worker killed from outside comes back to where it was", async ({ playground, page }) => {
  await playground.open();
  await playground.setSpeed(9);
  await playground.leaderName();
  await playground.send("put city Kyoto");
  await expect(playground.newest()).toContainText("ok");
  await playground.pause();
  const where = await page.getByText(/^event /).textContent();
  const [worker] = page.workers();
  await worker.evaluate(() => self.close()).catch(() => {});
  await playground.button("Play").click();
  await expect(page.getByText("it was replayed to where it was")).toBeVisible({ timeout: 20_000 });
  await expect(playground.answers).toContainText(/put city Kyoto\s*ok/);
  const seq = (text: string | null) => Number(/event ([\d,]+)/.exec(text ?? "")?.[1].replaceAll(",", ""));
  expect(seq(await page.getByText(/^event /).textContent())).toBeGreaterThanOrEqual(seq(where));
  await playground.send("get city");
  await expect(playground.newest()).toContainText(/get city\s*Kyoto/);
});

test("a worker killed while it plays goes on playing", async ({ playground, page }) => {
  await playground.open();
  await playground.leaderName();
  const [worker] = page.workers();
  await worker.evaluate(() => self.close()).catch(() => {});
  await expect(page.getByText("it was replayed to where it was")).toBeVisible({ timeout: 20_000 });
  await expect(playground.button("Pause")).toBeVisible();
  const before = await playground.listed();
  await expect.poll(() => playground.listed()).toBeGreaterThan(before);
});

test("a share link leads to the same event, and its hash is the run's", async ({ playground, page, context }) => {
  await playground.open();
  const leader = await playground.elect();
  await playground.send("put city Kyoto");
  await playground.send(`crash ${leader}`);
  await expect(playground.stores.getByRole("listitem", { name: new RegExp(`^${leader}, down`) })).toBeVisible();
  await playground.button("Share").click();
  const hash = page.getByTestId("run-hash");
  await expect(hash).toHaveText(/^[0-9a-f]{64}$/, { timeout: 20_000 });
  const link = await page.getByRole("textbox", { name: "Link" }).inputValue();
  const downloading = page.waitForEvent("download");
  await playground.button("Export run").click();
  const file = await (await downloading).path();
  const actions: unknown[] = JSON.parse(readFileSync(file, "utf8")).actions;
  expect(actions).toHaveLength(2);

  const other = await context.newPage();
  await other.goto(link);
  await expect(other.getByRole("list", { name: "Stores" }).getByRole("listitem", { name: new RegExp(`^${leader}, down`) })).toBeVisible();
  // It stands still at the shared moment.
  await expect(other.getByRole("button", { name: "Play", exact: true })).toBeVisible();
  await other.close();

  const raftplay = "../bin/raftplay";
  expect(existsSync(raftplay), "make build builds bin/raftplay").toBe(true);
  const said = JSON.parse(execFileSync(raftplay, ["sim", "run", "--actions", file, "--json"], { encoding: "utf8" }));
  expect(said.hash).toBe(await hash.textContent());
});

test("a link cut in half is told in a sentence, and the default run starts", async ({ playground, page }) => {
  await playground.open("#run=Y2RgYGBg");
  await expect(page.getByRole("alert")).toContainText("starts the default run");
  await expect(page.getByRole("button", { name: "seed 42", exact: true })).toBeVisible();
  await playground.leaderName();
});

test.describe("without the core", () => {
  test.use({ bypassCSP: false });

  test("a wasm file that fails to load is told in a sentence", async ({ browser, baseURL }) => {
    const page = await (await browser.newContext({ baseURL })).newPage();
    await page.route(/\.wasm/, (route) => route.fulfill({ status: 404, body: "" }));
    await page.goto("./");
    await expect(page.getByRole("alert")).toContainText("could not be loaded");
    await expect(page.getByRole("button", { name: "Next event" })).toBeDisabled();
    await page.close();
  });

  test("a browser without WebAssembly is told in a sentence", async ({ browser, baseURL }) => {
    const page = await (await browser.newContext({ baseURL })).newPage();
    await page.addInitScript(() => Reflect.deleteProperty(globalThis, "WebAssembly"));
    await page.goto("./");
    await expect(page.getByRole("alert")).toContainText("has no WebAssembly");
    await page.close();
  });
});
