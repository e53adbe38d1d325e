import { existsSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { expect, test } from "./page";

test("a region's life by mouse and keyboard: split, learner, voter, leader, removal, compaction, snapshot", async ({ playground, page }) => {
  test.setTimeout(180_000);
  await playground.open();
  await playground.setSpeed(9);
  const old = await playground.leaderName();
  for (const line of ["put apple 1", "put melon 2", "put zebra 3"]) {
    await playground.ask(line, "ok");
  }

  // Split: the menu begins the command, the keyboard ends it.
  await page.getByRole("button", { name: "What to do with region 1" }).click();
  await page.getByRole("menuitem", { name: "Split…" }).click();
  await expect(playground.command).toBeFocused();
  await expect(playground.command).toHaveValue("split ");
  await page.keyboard.type("m");
  await page.keyboard.press("Enter");
  await expect(playground.newest()).toContainText("ok: region 1 up to m, region 2 from m on");
  await expect(playground.regions.getByRole("listitem")).toHaveCount(2);
  await playground.regions.getByRole("button", { name: /^Region 2, from m on/ }).click();
  await expect(playground.leader()).toHaveCount(1);
  const inspector = page.getByRole("complementary", { name: "Inspector and events" });
  await expect(inspector.getByText(/of region 2$/)).toBeVisible();

  // A store of its own, as a learner, by the mouse.
  await playground.button("Add store").click();
  await expect(playground.store("S6, no peer of region 2")).toBeVisible();
  await expect(playground.stage.getByRole("button", { name: /^S6 on the stage, no peer of region 2/ })).toBeVisible();
  await playground.menu("S6", "Add as learner");
  await expect(playground.store(/^S6, learner, term \d+/)).toBeVisible();
  await expect(playground.stage.getByRole("button", { name: /^S6 on the stage, learner/ })).toBeVisible();
  // A learner does not stand for election, and the menu says so.
  await page.getByRole("button", { name: "What to do with S6" }).click();
  await expect(page.getByRole("menuitem", { name: "Time out now" })).toHaveAttribute("aria-disabled", "true");
  await expect(page.getByText("Not now: a learner does not stand for election").first()).toBeVisible();
  await page.keyboard.press("Escape");

  // Promoted by the keyboard, with completion.
  await page.locator("body").click({ position: { x: 5, y: 5 } });
  await page.keyboard.press("c");
  await page.keyboard.type("prom");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.type("S6");
  await expect(playground.command).toHaveValue("promote S6");
  await page.keyboard.press("Enter");
  await expect(playground.store(/^S6, follower/)).toBeVisible();

  // The lead goes over by a right click on the stage.
  await playground.stage.getByRole("button", { name: /^S6 on the stage/ }).click({ button: "right" });
  await page.getByRole("menuitem", { name: /^Transfer leadership here/ }).click();
  await expect(playground.store(/^S6, leader/)).toBeVisible();
  await expect(playground.store(new RegExp(`^${old}, follower`))).toBeVisible();

  await playground.menu(old, "Remove from the region");
  await expect(playground.store(`${old}, no peer of region 2`)).toBeVisible();

  // Who is down while the log is compacted comes back by a snapshot.
  const follower = ["S1", "S2", "S4", "S5"].find((name) => name !== old)!;
  await playground.send(`crash ${follower}`);
  await expect(playground.store(new RegExp(`^${follower}, down`))).toBeVisible();
  for (let i = 0; i < 4; i++) {
    await playground.ask(`put zoo${i} ${"x".repeat(300)}`, "ok");
  }
  await page.getByRole("button", { name: "What to do with region 2" }).click();
  await page.getByRole("menuitem", { name: "Compact the log" }).click();
  await expect(playground.newest()).toContainText(/compact\s*#2\s*ok: the log begins at entry \d+/);
  await expect(playground.stage.getByRole("img", { name: /^Entries 1–\d+ compacted on S6$/ })).toBeVisible();
  const chips = page.getByRole("group", { name: "Which events are listed" });
  for (const kind of ["messages", "heartbeats", "log", "disk", "client"]) await chips.getByText(kind, { exact: true }).click();
  await playground.send(`restart ${follower}`);
  await expect(playground.events).toContainText(`${follower} takes the snapshot of region 2`);
  await playground.stores.getByRole("button", { name: new RegExp(`^${follower}, follower`) }).click();
  await expect(inspector.getByText(/^up to \d+$/)).toBeVisible();
  await expect(inspector.getByRole("cell", { name: "zoo3" })).toBeVisible();

  // Any store reads what it has; the answer says how it was read.
  await playground.ask(`@${follower} get zoo3 --stale`, /read at entry \d+, may be old/);
  await playground.ask("get zoo3", /read at entry \d+, a quorum confirmed the leader/);

  // The other region is as it was, and R shows it.
  await page.locator("body").click({ position: { x: 5, y: 5 } });
  await page.keyboard.press("r");
  await expect(playground.regions.getByRole("button", { name: /^Region 1, up to m/ })).toHaveAttribute("aria-pressed", "true");
  await expect(playground.store("S6, no peer of region 1")).toBeVisible();

  // All of it is a run that repeats.
  await playground.pause();
  await playground.button("Share").click();
  const hash = page.getByTestId("run-hash");
  await expect(hash).toHaveText(/^[0-9a-f]{64}$/, { timeout: 30_000 });
  const downloading = page.waitForEvent("download");
  await playground.button("Export run").click();
  const file = await (await downloading).path();
  const raftplay = "../bin/raftplay";
  expect(existsSync(raftplay), "make build builds bin/raftplay").toBe(true);
  const said = JSON.parse(execFileSync(raftplay, ["sim", "run", "--actions", file, "--json"], { encoding: "utf8" }));
  expect(said.hash).toBe(await hash.textContent());
});

test("a joint configuration stays until it is left, and the page shows both halves", async ({ playground, page }) => {
  await playground.open();
  await playground.setSpeed(9);
  const leader = await playground.leaderName();
  const leaving = leader === "S2" ? "S1" : "S2";
  await playground.ask(`change add S6 remove ${leaving} --explicit`, "joint: old S1, S2, S3, S4, S5");
  await expect(page.getByRole("region", { name: "Regions" })).toContainText("old S1, S2, S3, S4, S5, new");
  await expect(playground.stage.getByRole("button", { name: /^S6 on the stage.*new only/ })).toBeVisible();
  await expect(playground.stage.getByRole("button", { name: new RegExp(`^${leaving} on the stage.*old only`) })).toBeVisible();
  await playground.ask("add S7", /joint/);
  await playground.button("Leave it").click();
  await expect(playground.store(`${leaving}, no peer of region 1`)).toBeVisible();
  await expect(playground.stage.getByText("old and new")).toHaveCount(0);
});

test("what a region refuses is told in words", async ({ playground, page }) => {
  await playground.open();
  await playground.setSpeed(9);
  await playground.leaderName();
  await playground.ask("split m", "ok");
  await playground.ask("split m", "cannot split at m");
  await playground.ask("compact 9999", "entry 9999 cannot be compacted");
  await playground.ask("#1 get zebra", "zebra is not in region 1 (up to m)");
  await playground.button("Send to region 2").first().click();
  await expect(playground.newest()).toContainText(/get zebra\s*#2\s*not found/);
  await playground.send("add S9");
  await expect(page.getByRole("alert")).toContainText("There is no store S9; the next one is S6");
});

test("a new run takes its members, its split size and its compaction", async ({ playground, page }) => {
  await playground.open();
  await playground.button("seed 42").click();
  const dialog = page.getByRole("dialog", { name: "New run" });
  await dialog.getByText("Regions and log").click();
  await dialog.getByRole("combobox", { name: "Members at the start" }).selectOption("S1 to S3");
  await dialog.getByRole("combobox", { name: "Split a region above" }).selectOption("256 B");
  await dialog.getByRole("combobox", { name: "Compact a log above" }).selectOption("10 applied entries");
  await dialog.getByRole("button", { name: "Start the run" }).click();
  await expect(playground.store("S4, no peer of region 1")).toBeVisible();
  await playground.setSpeed(9);
  await playground.leaderName();
  for (let i = 0; i < 14; i++) {
    await playground.ask(`put key${String(i).padStart(2, "0")} ${"x".repeat(40)}`, "ok");
  }
  await expect.poll(() => playground.regions.getByRole("listitem").count()).toBeGreaterThan(1);
});
