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

const categories = ["toplevel", "devtools.timeline", "devtools.timeline.frame", "disabled-by-default-devtools.timeline.frame"];
const settleMillis = 2_000;
const watchMillis = 10_000;

/** Ten seconds of the story, after the page has settled, as Chromium's own trace sees them. */
export async function playing(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(url);
  await page.getByRole("list", { name: "Stores" }).getByRole("listitem", { name: /, leader, / }).waitFor();
  await page.waitForTimeout(settleMillis);
  await browser.startTracing(page, { categories });
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
  const here = events.filter((e) => e.pid === main.pid && e.tid === main.tid);
  const tasks = here.filter((e) => e.ph === "X" && e.name === wholeTask).map((e) => ({ at: e.ts, micros: e.dur ?? 0 }));
  const starts = here.filter((e) => e.name === "BeginMainThreadFrame").map((e) => e.ts).sort((a, b) => a - b);
  const work = workPerFrame(tasks, starts).sort((a, b) => a - b);
  const count = (name) => events.filter((e) => e.name === name && e.pid === main.pid).length;
  const drawn = count("DrawFrame");
  return {
    workMillisP95: work[Math.floor(work.length * 0.95)] / 1000,
    workMillisMedian: work[work.length >> 1] / 1000,
    droppedPercent: (100 * count("DroppedFrame")) / Math.max(1, drawn),
    longTasks: tasks.filter((t) => t.micros > 50_000).length,
    longestMillis: Math.max(...tasks.map((t) => t.micros)) / 1000,
    frames: drawn,
  };
}

/** Whole tasks of the thread's scheduler: what runs inside them would count twice. */
const wholeTask = "ThreadControllerImpl::RunTask";

/** The sums, in microseconds, of the tasks that began between one frame's begin and the next one's. */
function workPerFrame(tasks, starts) {
  const sums = new Array(Math.max(0, starts.length - 1)).fill(0);
  let frame = 0;
  for (const task of tasks.sort((a, b) => a.at - b.at)) {
    while (frame + 1 < starts.length && task.at >= starts[frame + 1]) frame++;
    if (task.at >= starts[0] && frame < sums.length) sums[frame] += task.micros;
  }
  return sums;
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
