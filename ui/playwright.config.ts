import { defineConfig } from "@playwright/test";

const port = Number(process.env.RAFTPLAY_PORT ?? 8377);
/** A page that is served already, instead of the built binary's. */
const served = process.env.RAFTPLAY_URL;

export default defineConfig({
  testDir: "tests",
  fullyParallel: false,
  // The cluster runs at the speed of the machine: pages that share its cores would slow each other down.
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 10_000 },
  reporter: process.env.CI ? "line" : "list",
  use: {
    baseURL: served ?? `http://127.0.0.1:${port}/`,
    viewport: { width: 1440, height: 900 },
    colorScheme: "dark",
    // A trace of every test costs several times the tests themselves. A failure leaves a picture, what the page said in
    // the accessibility tree, and its console; see more of one with --trace on.
    trace: "off",
    screenshot: "only-on-failure",
    launchOptions: {
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
    },
  },
  webServer: served
    ? undefined
    : {
        command: `../bin/raftplay serve --listen 127.0.0.1:${port}`,
        url: `http://127.0.0.1:${port}/`,
        reuseExistingServer: false,
        gracefulShutdown: { signal: "SIGTERM", timeout: 5000 },
      },
});
