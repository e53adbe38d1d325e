import { expect, test } from "./page";

test("clients work by themselves, and their history is judged", async ({ playground, page }) => {
  await playground.open();
  await playground.setSpeed(9);
  await playground.leaderName();
  await playground.ask("put city Kyoto", "ok");
  await playground.setSpeed(7);
  for (let i = 0; i < 3; i++) await playground.button("One client more on registers").click();
  await expect(page.getByRole("status", { name: "Clients on registers" })).toHaveText("3");
  await playground.send("clients counters 1");
  await playground.button("Show them").click();
  const lane = page.getByRole("listbox", { name: "Operations of clients" });
  await expect(page.getByText(/^\d\d+ answered/)).toBeVisible({ timeout: 20_000 });
  // However busy they are, the list of answers is the person's own.
  await expect(playground.answers.getByRole("listitem")).toHaveCount(1);
  await playground.pause();

  await lane.focus();
  await page.keyboard.press("End");
  const newest = await lane.getByRole("option").textContent();
  expect(newest).toMatch(/^Client \d: /);
  await page.keyboard.press("ArrowLeft");
  await expect(lane.getByRole("option")).not.toHaveText(newest!);
  const inspector = page.getByRole("complementary", { name: "Inspector and events" });
  await expect(inspector.getByRole("region", { name: /^Operation \d+$/ })).toContainText("works by itself");

  await playground.button("Judge the history").click();
  const verdict = page.getByRole("region", { name: "Verdict" });
  await expect(verdict.getByRole("heading", { name: "Linearizable" })).toBeVisible({ timeout: 20_000 });
  await expect(verdict).toContainText(/\d+ operations were judged/);
  await expect(verdict.getByRole("list", { name: "Findings" })).toContainText("key city");
  await playground.button("Stop all").click();
  await expect(page.getByRole("tab", { name: "Clients", exact: true })).toBeVisible();
});

test("a store that is broken on purpose is found at fault, and the banner leads to the evidence", async ({ playground, page }) => {
  await playground.open();
  await playground.button("seed 42").click();
  const dialog = page.getByRole("dialog", { name: "New run" });
  await dialog.getByText("Broken Raft", { exact: true }).click();
  await dialog.getByRole("checkbox", { name: "No fsync" }).check();
  await dialog.getByRole("checkbox", { name: /^Stop at a violation/ }).check();
  await dialog.getByRole("button", { name: "Start the run" }).click();
  await expect(playground.button("Broken Raft: No fsync")).toBeVisible();
  await playground.setSpeed(9);
  const leader = await playground.leaderName();
  await playground.ask("put city Kyoto", "ok");
  await playground.send(`crash ${leader}`);

  const banner = page.getByRole("region", { name: "Violation" });
  await expect(banner.getByRole("alert")).toContainText(/^Violation of /);
  // The run stands still.
  await expect(playground.button("Play")).toBeVisible();
  await expect(banner.getByRole("button", { name: leader, exact: true })).toBeVisible();
  const evidence = banner.getByRole("list", { name: "Evidence" }).getByRole("button");
  const words = await evidence.first().locator("span").last().textContent();
  await evidence.first().click();
  const inspector = page.getByRole("complementary", { name: "Inspector and events" });
  await expect(inspector.getByRole("region", { name: /^Event \d/ })).toContainText(words!);
  await expect(evidence.first()).toHaveAttribute("aria-current", "true");
  await expect(playground.events.getByRole("listitem").first()).toContainText(words!);

  // Put aside, it is kept; it was found although time stands before it.
  await playground.button("Put the violation aside").click();
  await expect(banner).toBeHidden();
  await page.getByRole("button", { name: /^\d+ violations?$/ }).click();
  await expect(banner).toBeVisible();
  await playground.button("Broken Raft: No fsync").click();
  await expect(page.getByRole("dialog", { name: "Broken Raft" })).toContainText("never syncs its disk");
});

test("whether the cluster would recover is answered in words, and the run stays as it is", async ({ playground, page }) => {
  await playground.open();
  await playground.elect();
  for (const name of ["S1", "S2", "S4"]) await playground.send(`crash ${name}`);
  await expect(playground.store(/^S4, down/)).toBeVisible();
  const where = await page.getByText(/^event /).textContent();
  await playground.button("Will it recover?").click();
  const dialog = page.getByRole("dialog", { name: "Will it recover?" });
  await expect(dialog.getByText(/^Yes, after .* with S\d, S\d and S\d$/)).toBeVisible({ timeout: 20_000 });
  await expect(dialog.getByRole("cell", { name: /^serves after/ })).toBeVisible();
  await dialog.getByRole("button", { name: "As it is" }).click();
  await expect(dialog.getByText("No", { exact: true })).toBeVisible({ timeout: 20_000 });
  await expect(dialog.getByRole("cell", { name: "three of five voters are down (S1, S2, S4)" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(playground.button("Will it recover?")).toBeFocused();
  await expect(playground.store(/^S4, down/)).toBeVisible();
  expect(await page.getByText(/^event /).textContent()).toBe(where);
  await playground.send("recover");
  await expect(dialog).toBeVisible();
});

test("a clock that runs slow makes a lease read stale, and the judge names the answer", async ({ playground, page }) => {
  await playground.open();
  await playground.setSpeed(9);
  const old = await playground.leaderName();
  await playground.ask("put city Kyoto", "ok");
  await playground.setSpeed(7);
  await playground.send(`clock ${old} 0.2x`);
  await playground.ask(`@${old} get city --lease`, "Kyoto");
  const others = ["S1", "S2", "S3", "S4", "S5"].filter((name) => name !== old);
  await playground.send(`partition ${old} | ${others.join(" ")}`);
  // The others elect a leader; the old one believes in its lease.
  await expect(playground.leader()).toHaveCount(2);
  await playground.pause();
  const labels = await playground.leader().evaluateAll((items) => items.map((item) => item.getAttribute("aria-label") ?? ""));
  const next = labels.map((label) => label.split(",")[0]).find((name) => name !== old)!;
  await playground.setSpeed(4);
  await playground.button("Play").click();
  await playground.ask(`@${next} put city Osaka`, "ok");
  await playground.ask(`@${old} get city --lease`, "Kyoto");
  await playground.pause();
  await expect(page.getByRole("button", { name: /outside Raft.s promise/i })).toBeVisible();

  await playground.button("Judge the history").click();
  const verdict = page.getByRole("region", { name: "Verdict" });
  await expect(verdict.getByRole("heading", { name: "Not linearizable" })).toBeVisible({ timeout: 20_000 });
  await expect(verdict).toContainText(`${old} answered get city = "Kyoto"`);
  await expect(verdict).toContainText('put city = "Osaka"');
});
