/** Which source is shown, and the way to another. All that is live is loaded when it is first asked for. */
import type { Component } from "svelte";
import { session } from "./session.svelte";
import type { Mode } from "./shown";

type LiveView = typeof import("./live/LivePart.svelte").liveView;

class Sources {
  /** The part of the page that is about live clusters and recordings, once it is there. */
  part = $state.raw<Component | null>(null);
  metrics = $state.raw<Component | null>(null);
  #view: LiveView | null = null;

  async choose(mode: Mode): Promise<void> {
    if (mode === session.mode) return;
    if (mode === "simulation") {
      session.showSimulation();
      return;
    }
    const view = await this.#load();
    if (mode === "live") view?.connect();
    else if (view) view.choosing = true;
  }

  /** A recording. */
  async open(file: File): Promise<void> {
    const view = await this.#load();
    const wrong = await view?.open(file);
    if (wrong) session.notice = { tone: "bad", sentence: wrong };
  }

  async #load(): Promise<LiveView | null> {
    if (this.#view) return this.#view;
    try {
      const part = await import("./live/LivePart.svelte");
      this.part = part.default;
      this.#view = part.liveView;
      // The charts come after what they are about.
      void import("./live/MetricsPanel.svelte").then(({ default: panel }) => (this.metrics = panel), () => {});
    } catch {
      session.notice = {
        tone: "bad",
        sentence: "The part of the page that shows live clusters could not be loaded. Is the server still there? Try again.",
      };
    }
    return this.#view;
  }
}

export const sources = new Sources();
