/** The stretch of time that diagram and clients' lane show: one for both, so that a change of view keeps the place. */
import { clampEnd, follow, spanMicrosDefault, windowAt, zoomed } from "../diagram/follow";
import type { TimeWindow } from "../diagram/axis";

const glideMillis = 260;

export class TimeView {
  span = $state(spanMicrosDefault);
  end = $state(clampEnd(0, spanMicrosDefault));
  /** The window keeps the playhead in sight until someone drags it away. */
  following = $state(true);
  toolsWidth = $derived(this.following ? 70 : 130);
  window = $derived<TimeWindow>(windowAt(this.end, this.span));

  #gliding = 0;
  #now = 0;
  #known = 0;

  /** Time has gone on, or back. known: where what is known ends. */
  moveTo(now: number, known: number, reducedMotion: boolean): void {
    this.#now = now;
    this.#known = Math.max(now, known);
    if (!this.following) return;
    const { end, span } = this;
    const wanted = follow(end, span, now);
    if (wanted === end) return;
    // Along with time at once; back over a stretch, gently.
    const gently = !reducedMotion && wanted < end && end - wanted < span * 3;
    if (gently) {
      this.#glide(wanted);
    } else {
      this.rest();
      this.end = wanted;
    }
  }

  /** To a moment somewhere else, in the middle of the window. */
  show(micros: number): void {
    const { fromMicros, toMicros } = this.window;
    const margin = this.span * 0.1;
    if (micros >= fromMicros + margin && micros <= toMicros - margin) return;
    this.rest();
    this.following = false;
    this.end = this.#bounded(micros + this.span / 2);
  }

  follow(): void {
    this.following = true;
    this.moveTo(this.#now, this.#known, true);
  }

  dragTo(end: number): void {
    this.rest();
    this.following = false;
    this.end = this.#bounded(end);
  }

  zoom(factor: number, at: number): void {
    this.rest();
    const next = zoomed(this.window, factor, at);
    this.span = next.span;
    this.end = this.following ? follow(next.end, next.span, this.#now) : this.#bounded(next.end);
  }

  /** By the buttons: around the playhead when it is in sight. */
  zoomBy(factor: number): void {
    const { fromMicros, toMicros } = this.window;
    const visible = this.#now >= fromMicros && this.#now <= toMicros;
    this.zoom(factor, visible ? this.#now : (fromMicros + toMicros) / 2);
  }

  rest(): void {
    cancelAnimationFrame(this.#gliding);
  }

  #bounded(wanted: number): number {
    return clampEnd(Math.min(wanted, this.#known + this.span * 0.9), this.span);
  }

  #glide(to: number): void {
    this.rest();
    const from = this.end;
    const start = performance.now();
    const step = () => {
      const t = Math.min(1, (performance.now() - start) / glideMillis);
      this.end = from + (to - from) * (1 - (1 - t) ** 3);
      if (t < 1) this.#gliding = requestAnimationFrame(step);
    };
    this.#gliding = requestAnimationFrame(step);
  }
}

export const timeView = new TimeView();
