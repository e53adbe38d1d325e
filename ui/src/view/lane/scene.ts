/**
 * The clients' lane as a list of things to draw: a pure function of the operations, a window in time and a size. A row a
 * client, an interval an operation, from its start to its answer. Nothing here knows of a canvas or a colour.
 */
import type { OperationSpan } from "../../model/history";
import { outcomeOf, type OperationOutcome } from "../../model/outcome";
import { ticksOf, xOf, type Frame, type Tick, type TimeWindow } from "../diagram/axis";
import { labelOf } from "./label";

export interface Bar {
  readonly id: number;
  readonly span: OperationSpan;
  readonly x0: number;
  readonly x1: number;
  /** Its middle. */
  readonly y: number;
  readonly outcome: OperationOutcome;
  /** Empty where there is no room. */
  readonly label: string;
  /** The label stands behind a bar that is too short for it. */
  readonly beside: boolean;
  /** It fits in no order with the others. */
  readonly accused: boolean;
}

/** From one attempt to the next of the same request. */
export interface Retry {
  readonly x0: number;
  readonly x1: number;
  readonly y: number;
}

export interface Row {
  /** 0 is the person. */
  readonly worker: number;
  readonly name: string;
  /** Its upper edge and its height, in the picture as it is scrolled. */
  readonly top: number;
  readonly height: number;
}

export interface LaneScene {
  readonly frame: Frame;
  readonly window: TimeWindow;
  readonly rows: readonly Row[];
  readonly bars: readonly Bar[];
  readonly retries: readonly Retry[];
  readonly ticks: readonly Tick[];
  readonly playheadX: number;
  /** What all rows together need. */
  readonly heightAll: number;
  /** Operations in the window that are too many, or too short, to be drawn each for itself. */
  readonly leftOut: number;
}

export interface LaneInput {
  /** Ascending by start. */
  readonly operations: readonly OperationSpan[];
  /** How many clients work by themselves now: those have a row before their first operation. */
  readonly clients: number;
  readonly window: TimeWindow;
  readonly nowMicros: number;
  /** Where what is known ends: an operation without an answer reaches to there. */
  readonly knownMicros: number;
  readonly frame: Frame;
  /** One interval's share of the height. */
  readonly lineHeight: number;
  readonly scrolled: number;
  readonly accused: ReadonlySet<number>;
  readonly widthOf?: (text: string) => number;
}

/** A person asks several things at once: so many intervals stand below each other. */
export const levelsMax = 4;
export const barsMax = 2500;
const rowGap = 4;
export const labelMargin = 6;
/** Behind a bar stands its end's mark first. */
export const besideMargin = 10;

export function laneScene(input: LaneInput): LaneScene {
  const { operations, window, frame, nowMicros } = input;
  const levels = levelsOf(operations);
  const { rows, heightAll } = rowsOf(input, levels);
  const { bars, leftOut } = barsOf(input, levels, new Map(rows.map((r) => [r.worker, r])));
  return {
    frame,
    window,
    rows,
    bars,
    retries: retriesOf(bars),
    ticks: ticksOf(window, frame),
    playheadX: xOf(frame, window, nowMicros),
    heightAll,
    leftOut,
  };
}

export function workerName(worker: number): string {
  return worker === 0 ? "you" : `c${worker}`;
}

/** Which of its client's lines each operation stands on: the first that is free when it starts. */
function levelsOf(operations: readonly OperationSpan[]): ReadonlyMap<number, number> {
  const levels = new Map<number, number>();
  const free = new Map<number, number[]>();
  for (const { id, operation } of operations) {
    let ends = free.get(operation.worker);
    if (!ends) free.set(operation.worker, (ends = []));
    let level = ends.findIndex((end) => end <= operation.startedMicros);
    if (level < 0) level = Math.min(ends.length, levelsMax - 1);
    ends[level] = operation.response ? operation.endedMicros : Infinity;
    if (level > 0) levels.set(id, level);
  }
  return levels;
}

function rowsOf(input: LaneInput, levels: ReadonlyMap<number, number>): { rows: readonly Row[]; heightAll: number } {
  const lines = new Map<number, number>([[0, 1]]);
  for (let worker = 1; worker <= input.clients; worker++) lines.set(worker, 1);
  for (const { id, operation } of input.operations) {
    const level = levels.get(id) ?? 0;
    if ((lines.get(operation.worker) ?? 0) < level + 1) lines.set(operation.worker, level + 1);
  }
  const rows: Row[] = [];
  let top = input.frame.top - input.scrolled;
  for (const worker of [...lines.keys()].sort((a, b) => a - b)) {
    const height = lines.get(worker)! * input.lineHeight + rowGap;
    rows.push({ worker, name: workerName(worker), top, height });
    top += height;
  }
  return { rows, heightAll: top + input.scrolled - input.frame.top };
}

function barsOf(
  input: LaneInput,
  levels: ReadonlyMap<number, number>,
  rows: ReadonlyMap<number, Row>,
): { bars: readonly Bar[]; leftOut: number } {
  const { window, frame, lineHeight } = input;
  const bottom = frame.height - frame.bottom;
  const bars: Bar[] = [];
  /** Where each line has been drawn up to. */
  const drawn = new Map<number, number>();
  let leftOut = 0;
  for (const span of input.operations) {
    const { operation } = span;
    if (operation.startedMicros > window.toMicros) break;
    const outcome = outcomeOf(operation);
    const end = outcome === "open" ? input.knownMicros : operation.endedMicros;
    if (end < window.fromMicros) continue;
    const row = rows.get(operation.worker);
    if (!row || row.top > bottom || row.top + row.height < frame.top) continue;
    const level = levels.get(span.id) ?? 0;
    const x0 = xOf(frame, window, operation.startedMicros);
    const x1 = Math.max(xOf(frame, window, end), x0 + 2);
    const accused = input.accused.has(span.id);
    const line = operation.worker * levelsMax + level;
    // Several within a pixel are one; what a judge points at is always drawn.
    if (!accused && (x1 <= (drawn.get(line) ?? -Infinity) + 0.75 || bars.length >= barsMax)) {
      leftOut++;
      continue;
    }
    drawn.set(line, x1);
    const y = row.top + rowGap / 2 + lineHeight * (level + 0.5);
    bars.push({ id: span.id, span, x0, x1, y, outcome, label: "", beside: false, accused });
  }
  return { bars: labelled(bars, input), leftOut };
}

/** Each bar with what stands on it, or behind it up to the next one of its line. */
function labelled(bars: readonly Bar[], { frame, widthOf }: LaneInput): readonly Bar[] {
  const right = frame.width - frame.right;
  /** Where the next bar of each line begins. */
  const free = new Map<number, number>();
  const out: Bar[] = [];
  for (let at = bars.length - 1; at >= 0; at--) {
    const bar = bars[at];
    const { operation } = bar.span;
    const next = Math.min(free.get(bar.y) ?? Infinity, right);
    free.set(bar.y, bar.x0);
    const inside = Math.min(bar.x1, right) - Math.max(bar.x0, frame.left) - labelMargin * 2;
    const on = labelOf(operation, inside, widthOf);
    if (on && !on.endsWith("…")) out.push({ ...bar, label: on });
    else {
      // What still waits grows into the space behind it.
      const behind = bar.outcome === "open" ? "" : labelOf(operation, next - bar.x1 - besideMargin - labelMargin, widthOf);
      const beside = behind.length > on.length;
      out.push({ ...bar, label: beside ? behind : on, beside });
    }
  }
  return out.reverse();
}

function retriesOf(bars: readonly Bar[]): readonly Retry[] {
  const last = new Map<number, Bar>();
  const retries: Retry[] = [];
  for (const bar of bars) {
    const first = bar.span.operation.retryOf || bar.id;
    const before = last.get(first);
    if (before && first !== bar.id) retries.push({ x0: before.x1, x1: bar.x0, y: bar.y });
    last.set(first, bar);
  }
  return retries;
}

/** The bar under the pointer, or the nearest within reach. */
export function barAt(scene: LaneScene, x: number, y: number, lineHeight: number): Bar | null {
  let best: Bar | null = null;
  let least = 6;
  for (const bar of scene.bars) {
    if (Math.abs(bar.y - y) > lineHeight / 2) continue;
    const d = x < bar.x0 ? bar.x0 - x : x > bar.x1 ? x - bar.x1 : 0;
    if (d < least || (d === 0 && least === 0)) {
      least = d;
      best = bar;
    }
  }
  return best;
}

export type LaneStep = "next" | "previous" | "up" | "down" | "first" | "last";

/** From one operation to another by the keyboard: along its client's row, or to the same time of the next client's. */
export function stepFrom(operations: readonly OperationSpan[], id: number, step: LaneStep, nowMicros: number): OperationSpan | null {
  if (operations.length === 0) return null;
  const current = operations.find((o) => o.id === id);
  if (step === "first") return operations[0];
  if (step === "last") return operations[operations.length - 1];
  // Where time stands is where a person looks.
  if (!current) return operations.findLast((o) => o.operation.startedMicros <= nowMicros) ?? operations[0];
  const { worker, startedMicros } = current.operation;
  if (step === "next" || step === "previous") {
    const row = operations.filter((o) => o.operation.worker === worker);
    return row[row.indexOf(current) + (step === "next" ? 1 : -1)] ?? current;
  }
  const workers = [...new Set(operations.map((o) => o.operation.worker))].sort((a, b) => a - b);
  const to = workers[workers.indexOf(worker) + (step === "down" ? 1 : -1)];
  if (to === undefined) return current;
  const row = operations.filter((o) => o.operation.worker === to);
  const away = (o: OperationSpan) => Math.abs(o.operation.startedMicros - startedMicros);
  return row.reduce((best, o) => (away(o) < away(best) ? o : best), row[0]) ?? current;
}
