/** Which stretch of time the diagram shows: it follows the playhead, lets itself be dragged and zoomed. */
import type { TimeWindow } from "./axis";

export const spanMicrosDefault = 2_000_000;
export const spanMicrosMin = 10_000;
export const spanMicrosMax = 120_000_000;

/** Kept free before and behind the playhead, as shares of the window. */
const ahead = 0.06;
const behind = 0.1;

/**
 * The window's end that shows `now`, changed as little as possible from `end`: within the window the playhead moves,
 * at its right edge the window moves along.
 */
export function follow(end: number, span: number, now: number): number {
  const from = end - span;
  if (now > end - span * ahead) return clampEnd(now + span * ahead, span);
  if (now < from + span * behind) return clampEnd(now + span * (1 - behind * 3), span);
  return clampEnd(end, span);
}

/** The run begins at 0: nothing earlier is ever shown, save a little margin. */
export function clampEnd(end: number, span: number): number {
  return Math.max(end, span * (1 - margin));
}

const margin = 0.01;

export function windowAt(end: number, span: number): TimeWindow {
  return { fromMicros: end - span, toMicros: end };
}

/** Zooms by a factor so that the time `at` stays where it is on the screen. */
export function zoomed(window: TimeWindow, factor: number, at: number): { end: number; span: number } {
  const before = window.toMicros - window.fromMicros;
  const span = Math.min(spanMicrosMax, Math.max(spanMicrosMin, before * factor));
  const share = (at - window.fromMicros) / before;
  return { end: clampEnd(at + span * (1 - share), span), span };
}
