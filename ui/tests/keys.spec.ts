import { expect, test } from "./page";

test("every control can be reached with Tab and says what it is", async ({ playground, page }) => {
  await playground.open();
  await playground.elect();
  const wanted = ["Share", "Pause or Play", "Next event", "Previous event", "Tick", "Next message", "Reset", "Command", "Speed", "latency", "loss", "Keys and help"];
  const reached = new Set<string>();
  const unnamed: string[] = [];
  await page.locator("body").click({ position: { x: 5, y: 5 } });
  for (let i = 0; i < 240; i++) {
    await page.keyboard.press("Tab");
    const focus = await page.evaluate(() => {
      const e = document.activeElement;
      if (!e || e === document.body) return null;
      const name = e.getAttribute("aria-label") ?? (e.textContent?.trim() || e.getAttribute("title")) ?? "";
      const labelled = name !== "" || (e instanceof HTMLInputElement && (e.labels?.length ?? 0) > 0);
      const style = getComputedStyle(e);
      return { name, labelled, html: e.outerHTML.slice(0, 120), visible: e.matches(":focus-visible"), outline: style.outlineStyle };
    });
    if (!focus) break;
    reached.add(focus.name === "Pause" || focus.name === "Play" ? "Pause or Play" : focus.name);
    if (!focus.labelled) unnamed.push(focus.html);
  }
  expect(unnamed).toEqual([]);
  for (const name of wanted) expect([...reached]).toContain(name);
  for (let id = 1; id <= 5; id++) expect([...reached].some((name) => name.startsWith(`S${id},`))).toBe(true);
});

test("the whole story by keyboard: step, select, crash, command, play", async ({ playground, page }) => {
  await playground.open();
  const leader = await playground.elect();
  const id = leader.slice(1);
  await page.locator("body").click({ position: { x: 5, y: 5 } });
  const before = await playground.listed();
  await page.keyboard.press("ArrowRight");
  await expect.poll(() => playground.listed()).toBe(before + 1);
  await page.keyboard.press("ArrowLeft");
  await expect.poll(() => playground.listed()).toBe(before);
  await page.keyboard.press("ArrowRight");
  await expect.poll(() => playground.listed()).toBe(before + 1);
  await page.keyboard.press("t");
  await page.keyboard.press("m");
  await page.keyboard.press(id);
  await expect(playground.stores.getByRole("button", { name: new RegExp(`^${leader},`) })).toHaveAttribute("aria-pressed", "true");
  await page.keyboard.press("k");
  await expect(playground.stores.getByRole("listitem", { name: new RegExp(`^${leader}, down`) })).toBeVisible();
  await page.keyboard.press("Space");
  await expect(playground.button("Pause")).toBeVisible();
  await expect(playground.leader()).toHaveCount(1, { timeout: 30_000 });
  await page.keyboard.press("c");
  await expect(playground.command).toBeFocused();
  // Keys are letters while one types.
  await page.keyboard.type("put k t");
  await expect(playground.command).toHaveValue("put k t");
  await page.keyboard.press("Enter");
  await expect(playground.newest()).toContainText(/put k t\s*ok/, { timeout: 20_000 });
  await page.keyboard.press("ArrowUp");
  await expect(playground.command).toHaveValue("put k t");
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys and help" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog", { name: "Keys and help" })).toBeHidden();
});

test("single keys can be switched off, and stay off", async ({ playground, page }) => {
  await playground.openPaused();
  await playground.button("Keys and help").click();
  await page.getByRole("checkbox", { name: /Single keys/ }).uncheck();
  await page.keyboard.press("Escape");
  await page.reload();
  await expect(playground.button("Pause")).toBeVisible();
  await page.locator("body").click({ position: { x: 5, y: 5 } });
  await page.keyboard.press("Space");
  await page.waitForTimeout(300);
  await expect(playground.button("Pause")).toBeVisible();
});

test("a store's menu opens, moves and closes by keyboard", async ({ playground, page }) => {
  await playground.open();
  await playground.elect();
  const menuButton = page.getByRole("button", { name: "What to do with S1" });
  await menuButton.focus();
  await page.keyboard.press("Enter");
  const menu = page.getByRole("menu", { name: "What to do with S1" });
  await expect(menu).toBeVisible();
  await expect(menu.getByRole("menuitem").first()).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Home");
  await page.keyboard.press("Escape");
  await expect(menu).toBeHidden();
  await expect(menuButton).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await expect(playground.stores.getByRole("listitem", { name: /^S1, down/ })).toBeVisible();
});
