/** What the page does in Chromium: its cold start, and its main thread while it plays. */

/** Runs in the page before anything else: notes when the first step is possible. */
function noteFirstStep() {
  const look = () => {
    const button = [...document.querySelectorAll("button")].find((b) => b.getAttribute("aria-label") === "Next event" || b.textContent?.trim() === "Next event");
    if (button && !button.disabled && button.getAttribute("aria-disabled") !== "true") {
      globalThis.firstStepMillis = performance.now();
      return;
    }
    setTimeout(look, 4);
  };
  document.addEventListener("DOMContentLoaded", look);
}

/** A page in a context of its own, so that nothing is cached: milliseconds from the navigation on. */
export async function coldStart(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.addInitScript(noteFirstStep);
  await page.goto(url);
  const stepMillis = await (await page.waitForFunction(() => globalThis.firstStepMillis)).jsonValue();
  const paintMillis = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
  await context.close();
  return { stepMillis, paintMillis };
}

const frameMicros = 1_000_000 / 60;
const settleMillis = 2_000;
const watchMillis = 10_000;

/** Ten seconds of the story, after the page has settled, as Chromium's own trace sees them. */
export async function playing(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(url);
  await page.getByRole("list", { name: "Stores" }).getByRole("listitem", { name: /, leader, / }).waitFor();
  await page.waitForTimeout(settleMillis);
  await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline", "devtools.timeline.frame", "cc,benchmark"] });
  const until = Date.now() + watchMillis;
  for (let i = 0; Date.now() < until; i++) {
    const command = page.getByRole("textbox", { name: "Command" });
    await command.fill(`put key-${i} value-${i}`);
    await command.press("Enter");
    await page.waitForTimeout(1_500);
  }
  const trace = JSON.parse((await browser.stopTracing()).toString());
  await context.close();
  return judge(trace.traceEvents);
}

function judge(events) {
  const main = mainThread(events);
  const tasks = events.filter((e) => e.ph === "X" && e.pid === main.pid && e.tid === main.tid && isTask(e)).map((e) => ({ at: e.ts, micros: e.dur ?? 0 }));
  const work = new Map();
  for (const task of tasks) {
    const frame = Math.floor(task.at / frameMicros);
    work.set(frame, (work.get(frame) ?? 0) + task.micros);
  }
  const sums = [...work.values()].sort((a, b) => a - b);
  const longest = Math.max(...tasks.map((t) => t.micros));
  const drawn = events.filter((e) => e.name === "DrawFrame" && e.pid === main.pid).length;
  const dropped = events.filter((e) => e.name === "DroppedFrame" && e.pid === main.pid).length;
  return {
    workMillisP95: sums[Math.floor(sums.length * 0.95)] / 1000,
    droppedPercent: (100 * dropped) / Math.max(1, drawn + dropped),
    longTasks: tasks.filter((t) => t.micros > 50_000).length,
    longestMillis: longest / 1000,
    frames: drawn,
  };
}

/** Whole tasks of the scheduler; what runs inside them would count twice. */
function isTask(event) {
  return event.name === "ThreadControllerImpl::RunTask" || event.name === "RunTask";
}

/** The renderer's main thread that fired the most animation frames. */
function mainThread(events) {
  const fired = new Map();
  for (const e of events) {
    if (e.name !== "FireAnimationFrame") continue;
    const key = `${e.pid}/${e.tid}`;
    fired.set(key, (fired.get(key) ?? 0) + 1);
  }
  const [key] = [...fired].sort((a, b) => b[1] - a[1])[0] ?? ["0/0"];
  const [pid, tid] = key.split("/").map(Number);
  return { pid, tid };
}
