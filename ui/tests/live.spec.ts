/** The live cluster that the server runs beside the page: three real stores. */
import { expect, test, violations, type Playground } from "./page";

async function attach(playground: Playground): Promise<void> {
  await playground.page.goto("./");
  await playground.button("Live cluster").click();
  await expect(bar(playground).getByText("Live · operator")).toBeVisible();
  await expect(playground.leader()).toHaveCount(1);
}

function bar({ page }: Playground) {
  return page.getByRole("region", { name: "Live cluster" });
}

test("shows the leader, answers a put, and all three stores apply it", async ({ playground }) => {
  await attach(playground);
  await playground.ask("put city Oslo", "ok");
  for (const store of ["S1", "S2", "S3"]) {
    await playground.stores.getByRole("button", { name: new RegExp(`^${store}, `) }).click();
    await expect(playground.page.getByRole("region", { name: `Keys on ${store}` })).toContainText("Oslo");
    await playground.page.keyboard.press("Escape");
  }
  await playground.ask("get city", "Oslo");
  // What asks for a simulation is not there.
  await expect(playground.button("Share")).toHaveCount(0);
  await expect(playground.page.getByRole("button", { name: /^seed/ })).toHaveCount(0);
});

test("crashes and restarts a store, and a cut link mends", async ({ playground }) => {
  await attach(playground);
  const follower = playground.stores.getByRole("listitem", { name: /, follower, / }).first();
  const name = ((await follower.getAttribute("aria-label")) ?? "").split(",")[0];
  await playground.menu(name, "Crash");
  await expect(playground.stores.getByRole("listitem", { name: new RegExp(`^${name}, down`) })).toBeVisible();
  await expect(bar(playground).getByText(`${name} is not reachable`)).toBeVisible();
  await playground.menu(name, "Restart");
  await expect(playground.stores.getByRole("listitem", { name: new RegExp(`^${name}, (follower|leader)`) })).toBeVisible();
  await expect(bar(playground).getByText(`${name} is not reachable`)).toHaveCount(0);
  await playground.send("cut S1 S2");
  await expect(playground.page.getByRole("list", { name: "Faults" })).toContainText("S1");
  await playground.button("Heal everything").click();
  await expect(playground.page.getByRole("list", { name: "Faults" })).toHaveCount(0);
});

test("pauses while the cluster goes on, steps, and goes back to live", async ({ playground }) => {
  await attach(playground);
  await playground.pause();
  await expect(bar(playground).getByText(/^Paused, \d/)).toBeVisible();
  const now = playground.page.getByText(/^event [\d,]+ of/);
  const event = async () => (await now.textContent())?.split(" of")[0] ?? "";
  const stood = await event();
  await playground.page.waitForTimeout(1200);
  expect(await event()).toBe(stood);
  await playground.page.keyboard.press("ArrowRight");
  await expect.poll(event).not.toBe(stood);
  await playground.page.keyboard.press("ArrowLeft");
  await playground.page.keyboard.press("t");
  await playground.page.keyboard.press("m");
  await playground.button("Back to live").click();
  await expect(bar(playground).getByText("Live · operator")).toBeVisible();
  await expect(playground.button("Pause")).toBeVisible();
});

test("saves a recording and opens it again, without any server", async ({ playground, page }) => {
  await attach(playground);
  await playground.ask("put kept here", "ok");
  await page.getByRole("tab", { name: "Metrics" }).click();
  await expect(page.getByRole("figure", { name: /Commands/ })).toBeVisible();
  const [download] = await Promise.all([page.waitForEvent("download"), playground.button("Save recording").click()]);
  const file = await download.path();
  await playground.button("Recording").click();
  const dialog = page.getByRole("dialog", { name: "Open a recording" });
  await dialog.getByLabel("Recording file").setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("garbage") });
  await expect(dialog.getByRole("alert")).toContainText("not a recording");
  await page.context().setOffline(true);
  await dialog.getByLabel("Recording file").setInputFiles(file);
  await expect(page.getByRole("region", { name: "Recording" })).toContainText("events");
  await expect(playground.stores.getByRole("listitem")).toHaveCount(3);
  await expect(playground.command).toBeDisabled();
  await playground.button("Newest event").click();
  await expect(playground.page.getByRole("complementary", { name: "Inspector and events" })).toContainText("kept");
  await page.context().setOffline(false);
  await playground.button("Simulation").click();
  await expect(page.getByRole("button", { name: /^seed/ })).toBeVisible();
});

test("comes back by itself when its connection is closed", async ({ playground, page }) => {
  let close = () => {};
  let refused = false;
  await page.routeWebSocket(/api\/live/, (socket) => {
    if (refused) {
      void socket.close({ code: 1013 });
      return;
    }
    const server = socket.connectToServer();
    // What the page says while the connection closes goes nowhere, as on a real one.
    let open = true;
    socket.onMessage((message) => {
      if (open) server.send(message);
    });
    close = () => {
      open = false;
      void socket.close({ code: 1001 });
      void server.close();
    };
  });
  await attach(playground);
  refused = true;
  close();
  await expect(bar(playground).getByText("Reconnecting…")).toBeVisible();
  await expect(bar(playground).getByText(/trying again in \d+ s/)).toBeVisible();
  await playground.send("put lost nowhere");
  await expect(page.getByText(/not connected, so nothing was sent/)).toBeVisible();
  refused = false;
  await expect(bar(playground).getByText("Live · operator")).toBeVisible({ timeout: 15_000 });
  await playground.ask("put again here", "ok");
});

test("is usable for everybody", async ({ playground, page }) => {
  await attach(playground);
  await page.getByRole("tab", { name: "Metrics" }).click();
  await expect(page.getByRole("figure", { name: /Latency/ })).toBeVisible();
  expect(await violations(page, { but: "main" })).toEqual([]);
  await playground.button("Connect…").click();
  await expect(page.getByRole("dialog", { name: "Connect to a live cluster" }).getByLabel("Server")).toHaveValue(/127\.0\.0\.1/);
  expect(await violations(page, { part: "dialog[open]" })).toEqual([]);
  await page.keyboard.press("Escape");
  await playground.button("Showing: everything").press("Enter");
  await expect(page.getByRole("dialog", { name: "What is shown of the cluster" })).toBeVisible();
  expect(await violations(page, { part: "dialog[open]" })).toEqual([]);
});

test("shows no heartbeats when asked to, and a put still", async ({ playground, page }) => {
  /** The events listed since the newest that says so, newest first. */
  const since = async (words: string): Promise<string[]> => {
    const listed = await playground.events.getByRole("listitem").allInnerTexts();
    const at = listed.findIndex((text) => text.includes(words));
    expect(at, `“${words}” is listed`).toBeGreaterThanOrEqual(0);
    return listed.slice(0, at);
  };
  await attach(playground);
  await expect(playground.events).toContainText("heartbeat");
  await playground.button("Showing: everything").click();
  const dialog = page.getByRole("dialog", { name: "What is shown of the cluster" });
  await dialog.getByRole("checkbox", { name: "without heartbeats" }).check();
  await dialog.getByRole("button", { name: "Show", exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(bar(playground).getByText("Showing everything but heartbeats")).toBeVisible();
  await expect(playground.events).toContainText("other events are told from here on");
  await playground.ask("put calm sea", "ok");
  await expect(playground.events).toContainText("put calm");
  // Heartbeats come several times a second.
  await page.waitForTimeout(1200);
  await playground.pause();
  const later = await since("other events are told from here on");
  expect(later.filter((text) => text.includes("put calm")).length).toBeGreaterThan(0);
  expect(later.filter((text) => text.includes("heartbeat"))).toEqual([]);
  await playground.button("Back to live").click();
  await playground.button("Show everything").click();
  await expect(playground.button("Showing: everything")).toBeVisible();
  await expect.poll(() => since("other events are told from here on").then((texts) => texts.join())).toContain("heartbeat");
});
