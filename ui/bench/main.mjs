/** Measures what a person waits for: the page's start, its frames while it plays, and the whole path from the core's
 *  events to the folded state. Prints one table; medians of several rounds. */
import { chromium } from "@playwright/test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { foldSpeeds } from "./fold.mjs";
import { coldStart, playing } from "./page.mjs";

const port = 8379;
const rounds = 7;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function line(what, value, wanted = "", met = true) {
  const verdict = met ? "" : "  not met, see docs/benchmarks.md";
  console.log(`${what.padEnd(66)} ${String(value).padStart(12)} ${String(wanted).padStart(23)}${verdict}`);
}

async function serve() {
  const server = spawn("../bin/raftplay", ["serve", "--listen", `127.0.0.1:${port}`], { stdio: ["ignore", "pipe", "inherit"] });
  await once(server.stdout, "data");
  return server;
}

const fold = await foldSpeeds();
line("page, Chromium and Node", "median", "wanted");
line("bare loop of five RawNodes in wasm, same run (messages/s)", Math.round(fold.bare));
line("judged, recorded, decoded and folded (messages/s)", Math.round(fold.whole));
line("share of bare", (fold.whole / fold.bare).toFixed(2), "0.20", fold.whole / fold.bare >= 0.2);
line("events folded alone (events/s)", Math.round(fold.folded));

const server = await serve();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
try {
  const url = `http://127.0.0.1:${port}/`;
  const starts = [];
  for (let i = 0; i < rounds; i++) starts.push(await coldStart(browser, url));
  line("cold start: first paint (ms)", median(starts.map((s) => s.paintMillis)).toFixed(0));
  const step = median(starts.map((s) => s.stepMillis));
  line("cold start: first possible step (ms)", step.toFixed(0), "800", step <= 800);
  const frames = await playing(browser, url);
  line("playing: median of main-thread work a frame (ms)", frames.workMillisMedian.toFixed(1));
  line("playing: p95 of main-thread work a frame (ms)", frames.workMillisP95.toFixed(1), "8", frames.workMillisP95 <= 8);
  line("playing: frames dropped (%)", frames.droppedPercent.toFixed(1), "under 1", frames.droppedPercent < 1);
  line("playing: tasks over 50 ms", frames.longTasks, "0", frames.longTasks === 0);
  line("playing: longest task (ms)", frames.longestMillis.toFixed(0), "50");
  line("playing: frames seen", frames.frames);
} finally {
  await browser.close();
  server.kill("SIGTERM");
}
