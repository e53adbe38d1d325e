/** The page as a person uses it: found by roles and names, never by classes. */
import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type Locator, type Page } from "@playwright/test";

export { expect };

export class Playground {
  readonly page: Page;
  readonly stores: Locator;
  readonly events: Locator;
  readonly answers: Locator;
  readonly command: Locator;
  readonly stage: Locator;
  readonly regions: Locator;

  constructor(page: Page) {
    this.page = page;
    this.stores = page.getByRole("list", { name: "Stores" });
    this.events = page.getByRole("list", { name: "Events" });
    this.answers = page.getByRole("list", { name: "Answers" });
    this.command = page.getByRole("textbox", { name: "Command" });
    this.regions = page.getByRole("list", { name: "Regions" });
    this.stage = page.getByRole("main", { name: "Stage" });
  }

  button(name: string): Locator {
    return this.page.getByRole("button", { name, exact: true });
  }

  async open(hash = ""): Promise<void> {
    await this.page.goto(`./${hash}`);
    await expect(this.button("Pause")).toBeVisible();
  }

  async openPaused(): Promise<void> {
    await this.open();
    await this.pause();
  }

  async pause(): Promise<void> {
    await this.button("Pause").click();
    await expect(this.button("Play")).toBeVisible();
  }

  /** Stops on the speed slider: 0 is Story, 1 is 1/100×, 7 is 1×, 13 is 100×. */
  async setSpeed(stop: number): Promise<void> {
    await this.page.getByRole("slider", { name: "Speed" }).fill(String(stop));
  }

  leader(): Locator {
    return this.stores.getByRole("listitem", { name: /, leader, / });
  }

  async leaderName(): Promise<string> {
    await expect(this.leader()).toHaveCount(1);
    return ((await this.leader().getAttribute("aria-label")) ?? "").split(",")[0];
  }

  /** A store's item in the list of stores, by its words. */
  store(name: string | RegExp): Locator {
    return this.stores.getByRole("listitem", { name, exact: true });
  }

  /** Does something to a store by its menu. */
  async menu(store: string, deed: string): Promise<void> {
    await this.button(`What to do with ${store}`).click();
    await this.page.getByRole("menuitem", { name: deed, exact: true }).click();
  }

  /** How many events are listed, those outside of the page's window too. */
  async listed(): Promise<number> {
    return Number((await this.events.getByRole("listitem").first().getAttribute("aria-setsize")) ?? 0);
  }

  async send(line: string): Promise<void> {
    await this.command.fill(line);
    await this.command.press("Enter");
  }

  /** Sends a command and waits for the answer to it. */
  async ask(line: string, answer: string | RegExp): Promise<void> {
    const before = await this.answers.getByRole("listitem").count();
    await this.send(line);
    await expect(this.answers.getByRole("listitem")).toHaveCount(before + 1);
    await expect(this.newest()).toContainText(answer, { timeout: 20_000 });
  }

  /** The answer to the newest command. */
  newest(): Locator {
    return this.answers.getByRole("listitem").first();
  }

  /** With a leader, quickly, and standing still. */
  async elect(): Promise<string> {
    await this.setSpeed(10);
    const name = await this.leaderName();
    await this.pause();
    return name;
  }
}

/** The rules of axe that ask for colours: what a theme changes. */
const colourRules = ["color-contrast", "link-in-text-block"];

/** What axe says: of the page, or of a part of it, or of all but a part; by all of its rules, or by those about colours. */
export async function violations(page: Page, about: { part?: string; but?: string; colours?: boolean } = {}): Promise<string[]> {
  // There are no frames to gather from: one run in the page does, without a page of its own for the report.
  const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ["violations"] });
  if (about.colours) axe.withRules(colourRules);
  if (about.part) axe.include(about.part);
  if (about.but) axe.exclude(about.but);
  return (await axe.analyze()).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" | ")}`);
}

/** Every test fails on an error in the console. */
export const test = base.extend<{ playground: Playground; quiet: void }>({
  quiet: [
    async ({ page }, use) => {
      const said: string[] = [];
      page.on("console", (m) => {
        if (m.type() === "error" || m.type() === "warning") said.push(m.text());
      });
      page.on("pageerror", (e) => said.push(e.message));
      await use();
      expect(said, "the console").toEqual([]);
    },
    { auto: true },
  ],
  playground: async ({ page }, use) => use(new Playground(page)),
});
