import type { Locator } from "@playwright/test";
import { expect, test, type Playground } from "./page";

const all = ["S1", "S2", "S3", "S4", "S5"];

/** A cluster with a leader and two entries, standing still; the other stores. */
async function ready(playground: Playground): Promise<{ leader: string; others: string[] }> {
  await playground.open();
  const leader = await playground.elect();
  await playground.setSpeed(0);
  return { leader, others: all.filter((name) => name !== leader) };
}

function faults(playground: Playground): Locator {
  return playground.page.getByRole("list", { name: "Faults" }).getByRole("listitem");
}

function link(playground: Playground, a: string, b: string): Locator {
  const [first, second] = [a, b].sort();
  return playground.stage.getByRole("button", { name: new RegExp(`^Link ${first} – ${second}`) });
}

function figure(playground: Playground, store: string): Locator {
  return playground.stage.getByRole("button", { name: new RegExp(`^${store} on the stage`) });
}

/** Lists nothing but these kinds of events: a step then goes on to the next of them. */
async function list(playground: Playground, ...groups: string[]): Promise<void> {
  for (const box of await playground.page.getByRole("group", { name: "Which events are listed" }).getByRole("checkbox").all()) {
    const name = await box.evaluate((e) => e.parentElement?.textContent?.trim() ?? "");
    await box.setChecked(groups.includes(name), { force: true });
  }
}

/** Goes on to the next event that is listed, and waits until the page shows it. */
async function step(playground: Playground): Promise<void> {
  const before = await playground.listed();
  await playground.button("Next event").click();
  await expect.poll(() => playground.listed(), { intervals: [20, 20, 50, 100] }).toBeGreaterThan(before);
}

/** Goes back to the event before, and waits until the page shows it: the way goes by what is shown. */
async function stepBack(playground: Playground): Promise<void> {
  const before = await playground.listed();
  await playground.button("Previous event").click();
  await expect.poll(() => playground.listed(), { intervals: [20, 20, 50, 100] }).toBeLessThan(before);
}

/** Steps from event to event until one says it. */
async function until(playground: Playground, words: RegExp, stepsMax = 40): Promise<void> {
  for (let i = 0; i < stepsMax; i++) {
    if (words.test((await playground.events.getByRole("listitem").first().textContent()) ?? "")) return;
    await step(playground);
  }
  throw new Error(`no event says ${words}`);
}

test("a link is cut one way by keyboard, loses what is sent, and is mended from the list of faults", async ({ playground, page }) => {
  const { leader, others } = await ready(playground);
  const deaf = others[0];
  const between = link(playground, leader, deaf);
  await between.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: new RegExp(`^Cut ${leader} → ${deaf}`) }).focus();
  await page.keyboard.press("Enter");
  await expect(between).toHaveAccessibleName(new RegExp(`${leader} → ${deaf} cut$`));
  await expect(between).toBeFocused();
  await expect(faults(playground)).toHaveText([new RegExp(`^${deaf} does not hear ${leader}: ${leader} → ${deaf} is cut`)]);
  await list(playground, "messages", "faults");
  await playground.order("put city Kyoto");
  await until(playground, new RegExp(`append ${leader} → ${deaf} is lost: the link ${leader} → ${deaf} is cut`));
  // The past knows of no cut.
  await list(playground, "faults");
  await playground.button("Previous event").click();
  await expect(page.getByText("Nothing is wrong.")).toBeVisible();
  await playground.button("Newest event").click();
  await faults(playground).getByRole("button", { name: /^Mend/ }).click();
  await expect(between).toHaveAccessibleName(/^Link S\d – S\d$/);
});

test("a partition is drawn with the mouse or ticked by keyboard, and healed", async ({ playground, page }) => {
  const { others } = await ready(playground);
  // Across the ways of one store to all others.
  const box = (await figure(playground, others[1]).locator(".body").boundingBox())!;
  const stage = (await playground.stage.boundingBox())!;
  const centre = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const inwards = Math.atan2(stage.y + stage.height / 2 - centre.y, stage.x + stage.width / 2 - centre.x);
  const at = (along: number, aside: number) => ({
    x: centre.x + Math.cos(inwards) * along - Math.sin(inwards) * aside,
    y: centre.y + Math.sin(inwards) * along + Math.cos(inwards) * aside,
  });
  const from = at(box.width * 0.95, -box.width * 0.9);
  const to = at(box.width * 0.95, box.width * 0.9);
  await page.keyboard.down("Shift");
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move((from.x + to.x) / 2, (from.y + to.y) / 2, { steps: 6 });
  await page.mouse.move(to.x, to.y, { steps: 6 });
  await page.mouse.up();
  await page.keyboard.up("Shift");
  const tool = page.getByRole("dialog", { name: "Partition" });
  await expect(tool.getByRole("button", { name: "Cut" })).toBeFocused();
  const ticked = await tool.getByRole("checkbox", { checked: true }).count();
  expect([1, 4]).toContain(ticked);
  await page.keyboard.press("Enter");
  await expect(tool).toBeHidden();
  const rest = all.filter((name) => name !== others[1]).join(", ");
  await expect(faults(playground)).toHaveText([new RegExp(`^Partition: (${others[1]} \\| ${rest}|${rest} \\| ${others[1]})`)]);

  await page.keyboard.press("p");
  await expect(tool.getByRole("checkbox", { name: "S1" })).toBeFocused();
  await page.keyboard.press("Space");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await tool.getByRole("combobox", { name: "Who hears whom" }).selectOption("side B is not heard");
  await tool.getByRole("button", { name: "Cut" }).press("Enter");
  await expect(faults(playground)).toHaveText([/^S1, S2 hear the others, but are not heard/]);
  await expect(link(playground, "S1", "S3")).toHaveAccessibleName("Link S1 – S3: S1 → S3 cut");

  await playground.button("Heal everything").click();
  await expect(page.getByText("Nothing is wrong.")).toBeVisible();
  await page.keyboard.press("p");
  await page.keyboard.press("Escape");
  await expect(tool).toBeHidden();
});

test("a message is held, rests where it is also when time goes back and forth, and is released", async ({ playground, page }) => {
  const { leader } = await ready(playground);
  await list(playground, "messages");
  const newest = playground.events.getByRole("listitem").first();
  await playground.order("put city Kyoto");
  await expect(newest).toContainText(new RegExp(`${leader} sends S\\d an append: entry`));
  const append = playground.stage.getByRole("button", { name: /^MsgApp / }).first();
  const id = await append.getAttribute("data-message-id");
  const message = playground.stage.locator(`[data-message-id="${id}"]`);
  await message.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: /^Hold/ }).click();
  await expect(message).toHaveAccessibleName(/held by hand/);
  const place = await message.getAttribute("transform");
  for (let i = 0; i < 6; i++) await step(playground);
  await expect(message).toHaveAttribute("transform", place!);
  for (let i = 0; i < 2; i++) await stepBack(playground);
  await expect(message).toHaveAttribute("transform", place!);
  await playground.button("Newest event").click();
  await expect(message).toHaveAttribute("transform", place!);
  await expect(faults(playground)).toHaveText([/^One message is held/]);
  await faults(playground).getByRole("button", { name: /^Release/ }).click();
  await until(playground, new RegExp(`receives ${leader}'s append: entry`));
  // Its twin: a copy of one that flies.
  await playground.order("put city Oslo");
  await until(playground, new RegExp(`${leader} sends S\\d an append: entry 3`));
  const next = playground.stage.getByRole("button", { name: /^MsgApp / }).first();
  await playground.send(`duplicate ${await next.getAttribute("data-message-id")}`);
  await expect(playground.stage.getByRole("button", { name: /copy of message/ })).toHaveCount(1);
});

test("a store crashes between write and sync, and forgets what it had not synced", async ({ playground, page }) => {
  const { others } = await ready(playground);
  const store = others[0];
  await list(playground, "disk", "faults");
  await figure(playground, store).click({ button: "right" });
  await page.getByRole("menuitem", { name: /^Crash before the next sync/ }).click();
  await expect(faults(playground)).toHaveText([new RegExp(`^${store} will crash when its next batch is written`)]);
  await expect(figure(playground, store)).toHaveAccessibleName(/it will crash when its next batch/);
  await playground.order("put city Kyoto");
  await until(playground, new RegExp(`${store} appends entry \\d+ of term`));
  const entries = playground.stage.getByRole("group", { name: `Log of ${store}` });
  await expect(entries.getByRole("button", { name: /put city Kyoto; not committed, not synced: a crash loses it/ })).toBeVisible();
  await until(playground, new RegExp(`${store} crashes; \\d unsynced batch(es)? \\(\\d+ B\\) lost`));
  await expect(entries.getByRole("button", { name: /Kyoto/ })).toHaveCount(0);
  await expect(faults(playground)).toHaveText([new RegExp(`^${store} is down`)]);
  await faults(playground).getByRole("button", { name: /^Restart/ }).click();
  await expect(page.getByText("Nothing is wrong.")).toBeVisible();
});

test("a store is paused and goes on, and its clock is set wrong and right, by its menu", async ({ playground, page }) => {
  const { others } = await ready(playground);
  const [one, two] = others;
  await playground.menu(one, "Pause");
  await expect(playground.store(new RegExp(`^${one}, follower, .*paused$`))).toBeVisible();
  await expect(figure(playground, one)).toHaveAccessibleName(/paused/);
  await playground.menu(one, "Resume");
  await expect(page.getByText("Nothing is wrong.")).toBeVisible();

  await page.getByRole("button", { name: `What to do with ${two}` }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Clock", exact: true }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("menuitem", { name: "Run at 2×" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(faults(playground)).toHaveText([new RegExp(`^${two}'s clock runs at 2×`)]);
  await expect(figure(playground, two)).toHaveAccessibleName(/clock 2×/);
  await playground.send(`clock ${two} +5s`);
  await expect(faults(playground)).toHaveText([new RegExp(`^${two}'s clock runs at 2×; it is 5 s ahead`)]);
  await faults(playground).getByRole("button", { name: /^Set right/ }).click();
  await expect(page.getByText("Nothing is wrong.")).toBeVisible();
});

test("bad input gets one sentence and changes nothing", async ({ playground, page }) => {
  await ready(playground);
  await playground.send("loss 130% S1 > S2");
  await expect(page.getByRole("alert")).toHaveText("A loss of 130 % is more than all; it goes from 0 % to 100 %");
  await expect(playground.command).toHaveValue("loss 130% S1 > S2");
  await playground.send("partition S1 | S9");
  await expect(page.getByRole("alert")).toHaveText("There is no store S9; the stores are S1 to S5");
  await expect(page.getByText("Nothing is wrong.")).toBeVisible();
});
