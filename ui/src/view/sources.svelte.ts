/** Which source is shown, and the way to another. All that is live is loaded when it is first asked for. */
import { session } from "./session.svelte";
import type { Mode } from "./shown";

class Sources {
  /** The part of the page that is about live clusters and recordings, once it is there. */
  live = $state.raw<typeof import("./live/live.svelte") | null>(null);
  connectOpen = $state(false);

  async choose(mode: Mode): Promise<void> {
    if (mode === session.mode) return;
    if (mode === "simulation") {
      session.showSimulation();
      return;
    }
    const live = await this.#load();
    if (!live) return;
    if (mode === "live") live.liveView.connect();
    else live.liveView.choosing = true;
  }

  async open(file: File): Promise<void> {
    const live = await this.#load();
    await live?.liveView.open(file);
  }

  async #load(): Promise<typeof import("./live/live.svelte") | null> {
    try {
      this.live ??= await import("./live/live.svelte");
    } catch {
      session.notice = {
        tone: "bad",
        sentence: "The part of the page that shows live clusters could not be loaded. Is the server still there? Try again.",
      };
    }
    return this.live;
  }
}

export const sources = new Sources();
