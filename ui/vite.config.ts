import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Relative, so that the site works under any path of any static host.
  base: "./",
  plugins: [svelte()],
  build: {
    outDir: "../static/dist",
    emptyOutDir: true,
    target: "es2022",
    // Everything is a file of its own: the page's policy allows no data: scripts.
    assetsInlineLimit: 0,
  },
  worker: { format: "es" },
  test: { include: ["src/**/*.test.ts"] },
});
