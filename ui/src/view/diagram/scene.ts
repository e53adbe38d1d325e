/**
 * The time-space diagram as a list of things to draw: a pure function of the history, a window in time and a size.
 * Nothing here knows of a canvas or a colour.
 */
import { HoldReason, Role } from "../../pb/sessionpb/v1/event_pb";
import { onLeg } from "../../model/journey";
import { spanKey, type Flight, type History, type RoleSpan } from "../../model/history";
import { firstIndexWhere } from "../../model/search";
import { isHeartbeat } from "../../model/words";
import { figureOf, progress, reach, type Tint } from "../stage/flight";
import { ticksOf, xOf, type Frame, type Tick, type TimeWindow } from "./axis";
import { commitsOf, marksOf, type Commit, type Mark } from "./marks";

export type LaneTone = "follower" | "learner" | "waiting" | "pre-candidate" | "candidate" | "leader" | "paused" | "down";

export interface Lane {
  readonly storeId: number;
  readonly y: number;
  readonly segments: readonly Segment[];
}

export interface Segment {
  readonly x0: number;
  readonly x1: number;
  readonly tone: LaneTone;
  readonly term: number;
}

export interface Line {
  readonly id: number;
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
  /** Where its way changed between: it was held, let go, delayed. */
  readonly via: readonly { readonly x: number; readonly y: number }[];
  readonly tint: Tint;
  /** Heartbeats: thinner, fainter. */
  readonly thin: boolean;
  /** Pre-votes, which are hollow on the stage. */
  readonly dashed: boolean;
  readonly end: "flying" | "arrived" | "lost";
  readonly flight: Flight;
}

export interface Scene {
  readonly frame: Frame;
  readonly window: TimeWindow;
  readonly lanes: readonly Lane[];
  readonly lines: readonly Line[];
  /** Messages in the window that are too many to draw. */
  readonly linesLeftOut: number;
  readonly marks: readonly Mark[];
  readonly commits: readonly Commit[];
  readonly ticks: readonly Tick[];
  readonly playheadX: number;
  /** Where what is known ends. */
  readonly knownX: number;
}

export const linesMax = 2000;
/** Messages that began this long before the window are looked at still. */
const flightMicrosMax = 3_000_000;

export function sceneOf(
  history: History,
  storeIds: readonly number[],
  regionId: number,
  window: TimeWindow,
  nowMicros: number,
  frame: Frame,
  widthOf: (text: string) => number = (text) => text.length * 7.2,
): Scene {
  const x = (micros: number) => xOf(frame, window, micros);
  const inside = frame.height - frame.top - frame.bottom;
  const y = new Map(storeIds.map((id, i) => [id, frame.top + (inside * (i + 0.5)) / Math.max(1, storeIds.length)]));
  const known = Math.max(history.end.timeMicros, nowMicros);

  const lanes = storeIds.map((id): Lane => ({
    storeId: id,
    y: y.get(id) ?? 0,
    segments: segmentsOf(history.roleSpans.get(spanKey(id, regionId)) ?? [], window, known, x),
  }));
  const { lines, leftOut } = linesOf(history, regionId, window, nowMicros, x, y);
  return {
    frame,
    window,
    lanes,
    lines,
    linesLeftOut: leftOut,
    marks: marksOf(history, regionId, window, x, y, frame, widthOf),
    commits: commitsOf(history, regionId, window, x, y, widthOf),
    ticks: ticksOf(window, frame),
    playheadX: x(nowMicros),
    knownX: x(known),
  };
}

function segmentsOf(
  spans: readonly RoleSpan[],
  window: TimeWindow,
  known: number,
  x: (micros: number) => number,
): readonly Segment[] {
  const segments: Segment[] = [];
  const first = firstIndexWhere(spans, (s) => (s.toMicros ?? Infinity) >= window.fromMicros);
  for (let i = first; i < spans.length; i++) {
    const span = spans[i];
    if (span.fromMicros > window.toMicros) break;
    const from = Math.max(span.fromMicros, window.fromMicros);
    const to = Math.min(span.toMicros ?? known, window.toMicros);
    if (to < from) continue;
    const tone = toneOf(span);
    const last = segments[segments.length - 1];
    // One stroke for one colour: a change of term alone shows no seam.
    if (last && last.tone === tone && last.x1 >= x(from) - 0.01) {
      segments[segments.length - 1] = { ...last, x1: x(to), term: span.term };
    } else {
      segments.push({ x0: x(from), x1: x(to), tone, term: span.term });
    }
  }
  return segments;
}

export function toneOf(span: RoleSpan): LaneTone {
  if (!span.up) return "down";
  if (span.paused) return "paused";
  if (span.waiting) return "waiting";
  switch (span.role) {
    case Role.LEADER:
      return "leader";
    case Role.CANDIDATE:
      return "candidate";
    case Role.PRE_CANDIDATE:
      return "pre-candidate";
    default:
      return span.learner ? "learner" : "follower";
  }
}

function linesOf(
  history: History,
  regionId: number,
  window: TimeWindow,
  nowMicros: number,
  x: (micros: number) => number,
  y: ReadonlyMap<number, number>,
): { lines: readonly Line[]; leftOut: number } {
  const { flights } = history;
  const first = firstIndexWhere(flights, (f) => f.sentMicros >= window.fromMicros - flightMicrosMax);
  const seen: Flight[] = [];
  for (let i = first; i < flights.length; i++) {
    const flight = flights[i];
    if (flight.sentMicros > window.toMicros) break;
    const region = flight.message.regionId;
    if (region !== regionId && region !== 0) continue;
    const end = flight.outcome === "flying" ? nowMicros : flight.endMicros;
    if (end >= window.fromMicros && y.has(flight.from) && y.has(flight.to)) seen.push(flight);
  }
  let drawn: readonly Flight[] = seen;
  if (drawn.length > linesMax) drawn = drawn.filter((f) => !isHeartbeat(f.type));
  if (drawn.length > linesMax) {
    const every = Math.ceil(drawn.length / linesMax);
    drawn = drawn.filter((_, i) => i % every === 0);
  }
  return { lines: drawn.map((f) => lineOf(f, nowMicros, x, y)), leftOut: seen.length - drawn.length };
}

function lineOf(
  flight: Flight,
  nowMicros: number,
  x: (micros: number) => number,
  y: ReadonlyMap<number, number>,
): Line {
  const y0 = y.get(flight.from) ?? 0;
  const y1 = y.get(flight.to) ?? 0;
  const flying = flight.outcome === "flying";
  const last = flight.legs.at(-1);
  const waits = flying && last !== undefined && last.held !== HoldReason.UNSPECIFIED;
  const endMicros = waits ? nowMicros : flying ? Math.min(nowMicros, flight.endMicros) : flight.endMicros;
  const legs = flight.legs.filter((leg) => leg.micros <= endMicros);
  const share = reach(flight.message);
  return {
    id: flight.id,
    x0: x(flight.sentMicros),
    y0,
    x1: x(Math.max(endMicros, flight.sentMicros)),
    y1: y0 + (y1 - y0) * endOf(flight, endMicros),
    via: legs.map((leg) => ({ x: x(leg.micros), y: y0 + (y1 - y0) * leg.from * share })),
    tint: figureOf(flight.type).tint,
    thin: isHeartbeat(flight.type),
    dashed: figureOf(flight.type).hollow,
    end: flying ? "flying" : flight.outcome === "lost" ? "lost" : "arrived",
    flight,
  };
}

/** How far it got: the same place at which the stage lets it stop. */
function endOf(flight: Flight, endMicros: number): number {
  if (flight.outcome === "delivered") return 1;
  const leg = flight.legs.findLast((l) => l.micros <= endMicros);
  const message = leg ? onLeg(flight.message, leg) : flight.message;
  if (flight.outcome === "lost" && endMicros >= message.dueMicros) return reach(message);
  return progress(message, endMicros);
}
