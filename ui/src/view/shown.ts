/** Which source is shown. The simulation is kept while another one is, and goes on where it was left. */
import { follow, noTimeline, type Timeline } from "../model/timeline";
import type { Frame } from "../pb/sessionpb/v1/session_pb";
import type { Condition, Source, Viewer } from "../source/source";
import type { Cluster } from "../model/state";

export type Mode = "simulation" | "live" | "recording";

/** What becomes of what the shown source tells. */
export interface Screen {
  frame(frame: Frame, reset: boolean, at?: Cluster): void;
  condition(condition: Condition): void;
  replayed(): void;
  /** Another source is shown from now on. */
  turn(mode: Mode, timeline: Timeline, condition: Condition): void;
}

export interface Left {
  readonly timeline: Timeline;
  readonly condition: Condition;
}

export class Shown {
  readonly #screen: Screen;
  mode: Mode = "simulation";
  source: Source;
  #kept: { source: Source; timeline: Timeline; condition: Condition } | null = null;

  constructor(screen: Screen, make: (viewer: Viewer) => Source) {
    this.#screen = screen;
    this.source = this.#made(make);
  }

  /** Shows another source; a source that is no simulation ends. left: how the one before stands. */
  show(mode: Exclude<Mode, "simulation">, make: (viewer: Viewer) => Source, left: Left): void {
    if (this.mode === "simulation") this.#kept = { source: this.source, ...left };
    else this.source.stop();
    this.mode = mode;
    this.source = this.#made(make);
    this.#screen.turn(mode, noTimeline, { kind: "loading" });
    this.source.start();
  }

  /** Back to the simulation as it was left, if it is not shown. */
  showSimulation(): void {
    if (!this.#kept) return;
    this.source.stop();
    const { source, timeline, condition } = this.#kept;
    this.#kept = null;
    this.mode = "simulation";
    this.source = source;
    this.#screen.turn(this.mode, timeline, condition);
  }

  #made(make: (viewer: Viewer) => Source): Source {
    const isShown = () => this.source === made;
    // What a source tells while another one is shown is kept for it.
    const kept = () => (this.#kept?.source === made ? this.#kept : null);
    const made: Source = make({
      frame: (frame, reset, at) => {
        const away = kept();
        if (isShown()) this.#screen.frame(frame, reset, at);
        else if (away) away.timeline = follow(away.timeline, frame, reset, at);
      },
      condition: (condition) => {
        const away = kept();
        if (isShown()) this.#screen.condition(condition);
        else if (away) away.condition = condition;
      },
      replayed: () => {
        if (isShown()) this.#screen.replayed();
      },
    });
    return made;
  }
}
