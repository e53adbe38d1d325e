import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** The core is the largest thing to load: its fetch begins with the page's first bytes, not when the script runs. */
function preloadCore(): Plugin {
  return {
    name: "preload-core",
    transformIndexHtml: {
      order: "post",
      handler(_html, { bundle }) {
        const core = Object.keys(bundle ?? {}).find((name) => name.endsWith(".wasm"));
        if (!core) return [];
        const attrs = { rel: "preload", as: "fetch", type: "application/wasm", crossorigin: true, href: `./${core}` };
        return [{ tag: "link", attrs, injectTo: "head-prepend" }];
      },
    },
  };
}

export default defineConfig({
  // Relative, so that the site works under any path of any static host.
  base: "./",
  plugins: [svelte(), preloadCore()],
  build: {
    outDir: "../static/dist",
    emptyOutDir: true,
    target: "es2022",
    // Everything is a file of its own: the page's policy allows no data: scripts.
    assetsInlineLimit: 0,
    // The page's own budget is checked on the compressed whole, wasm included.
    chunkSizeWarningLimit: 600,
  },
  worker: { format: "es" },
  // `npm run dev` beside a server: its live cluster.
  server: {
    proxy: {
      "/api": { target: process.env.RAFTPLAY_URL ?? "http://127.0.0.1:8377", ws: true, changeOrigin: true, rewriteWsOrigin: true },
    },
  },
  // The policy that `raftplay serve` sends, so that a preview breaks where the real thing would.
  preview: {
    headers: {
      "Content-Security-Policy":
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'",
    },
  },
  test: { include: ["src/**/*.test.ts"] },
});
