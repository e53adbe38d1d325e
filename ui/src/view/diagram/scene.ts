/**
 * The time-space diagram as a list of things to draw: a pure function of the history, a window in time and a size.
 * Nothing here knows of a canvas or a colour.
 */
import { Role } from "../../pb/sessionpb/v1/event_pb";
import { firstIndexWhere, type Flight, type History, type HistoryEvent, type RoleSpan } from "../../model/history";
import { isHeartbeat } from "../../model/words";
import { figureOf, progress, reach, type Tint } from "../stage/flight";

export interface TimeWindow {
  readonly fromMicros: number;
  readonly toMicros: number;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** Room for the lanes' names at the left, the marks' labels at the top, the axis at the bottom. */
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export type LaneTone = "follower" | "pre-candidate" | "candidate" | "leader" | "down";

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
  readonly tint: Tint;
  /** Heartbeats: thinner, fainter. */
  readonly thin: boolean;
  /** Pre-votes, which are hollow on the stage. */
  readonly dashed: boolean;
  readonly end: "flying" | "arrived" | "lost";
  readonly flight: Flight;
}

export type MarkTone = "bad" | "leader" | "good" | "quiet";

export interface Mark {
  readonly seq: number;
  readonly x: number;
  readonly tone: MarkTone;
  /** Faults are dashed. */
  readonly dashed: boolean;
  /** The lane it stands on; null: all of them. */
  readonly y: number | null;
  readonly label: string;
  /** null: no room for the label. */
  readonly labelX: number | null;
  readonly event: HistoryEvent;
}

/** A commit on the lane where it happened. */
export interface Commit {
  readonly seq: number;
  readonly x: number;
  readonly y: number;
  readonly index: number;
  readonly label: string;
}

export interface Tick {
  readonly x: number;
  readonly label: string;
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

export function xOf(frame: Frame, window: TimeWindow, micros: number): number {
  const width = frame.width - frame.left - frame.right;
  return frame.left + ((micros - window.fromMicros) / (window.toMicros - window.fromMicros)) * width;
}

export function timeAt(frame: Frame, window: TimeWindow, x: number): number {
  const width = Math.max(1, frame.width - frame.left - frame.right);
  return window.fromMicros + ((x - frame.left) / width) * (window.toMicros - window.fromMicros);
}

export function sceneOf(
  history: History,
  storeIds: readonly number[],
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
    segments: segmentsOf(history.roleSpans.get(id) ?? [], window, known, x),
  }));
  const { lines, leftOut } = linesOf(history, window, nowMicros, x, y);
  return {
    frame,
    window,
    lanes,
    lines,
    linesLeftOut: leftOut,
    marks: marksOf(history, window, x, y, frame, widthOf),
    commits: commitsOf(history, window, x, y, widthOf),
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
  switch (span.role) {
    case Role.LEADER:
      return "leader";
    case Role.CANDIDATE:
      return "candidate";
    case Role.PRE_CANDIDATE:
      return "pre-candidate";
    default:
      return "follower";
  }
}

function linesOf(
  history: History,
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
  const endMicros = flying ? Math.min(nowMicros, flight.endMicros) : flight.endMicros;
  return {
    id: flight.id,
    x0: x(flight.sentMicros),
    y0,
    x1: x(Math.max(endMicros, flight.sentMicros)),
    y1: y0 + (y1 - y0) * endOf(flight, endMicros),
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
  const { message } = flight;
  if (flight.outcome === "lost" && endMicros >= message.dueMicros) return reach(message);
  return progress(message, endMicros);
}

interface Wanted {
  readonly event: HistoryEvent;
  readonly label: string;
  readonly tone: MarkTone;
  readonly dashed: boolean;
  /** The lower, the sooner it gets its label. */
  readonly rank: number;
}

function wanted(event: HistoryEvent): Wanted | null {
  const who = `S${event.storeId}`;
  const body = event.event.body;
  switch (body.case) {
    case "violation":
      return { event, label: body.value.judge, tone: "bad", dashed: false, rank: 0 };
    case "storeCrashed":
      return { event, label: `${who} crashes`, tone: "bad", dashed: true, rank: 1 };
    case "storeStopped":
      return { event, label: `${who} stops`, tone: "bad", dashed: true, rank: 1 };
    case "roleChanged":
      return { event, label: `${who} leads term ${body.value.term}`, tone: "leader", dashed: false, rank: 2 };
    case "storeStarted":
      return { event, label: `${who} restarts`, tone: "good", dashed: true, rank: 3 };
    case "timedOut":
      return { event, label: `${who} timed out`, tone: "quiet", dashed: true, rank: 4 };
    case "settingsChanged":
      return { event, label: "settings", tone: "quiet", dashed: true, rank: 5 };
    case "electionTimeoutSet":
      return { event, label: `${who} timeout set`, tone: "quiet", dashed: true, rank: 6 };
    default:
      return null;
  }
}

const marksMax = 200;

function marksOf(
  history: History,
  window: TimeWindow,
  x: (micros: number) => number,
  y: ReadonlyMap<number, number>,
  frame: Frame,
  widthOf: (text: string) => number,
): readonly Mark[] {
  // A label may reach into the window from a mark just before it.
  const before = (window.toMicros - window.fromMicros) * 0.02;
  const found: Wanted[] = [];
  for (const list of [history.marks, history.elections]) {
    const first = firstIndexWhere(list, (e) => e.timeMicros >= window.fromMicros - before);
    for (let i = first; i < list.length && list[i].timeMicros <= window.toMicros; i++) {
      const mark = wanted(list[i]);
      if (mark) found.push(mark);
    }
  }
  const taken: [number, number][] = [];
  const labels = new Map<Wanted, number>();
  const right = frame.width - frame.right;
  for (const mark of [...found].sort((a, b) => a.rank - b.rank || b.event.seq - a.event.seq).slice(0, marksMax)) {
    const width = widthOf(mark.label);
    const at = x(mark.event.timeMicros);
    if (at < frame.left) continue;
    // To the right of its line; where the picture ends, to the left.
    const from = at + 5 + width <= right ? at + 5 : at - 5 - width;
    if (from < frame.left || taken.some(([a, b]) => from < b + 8 && a < from + width + 8)) continue;
    taken.push([from, from + width]);
    labels.set(mark, from);
  }
  return found
    .map(
      (mark): Mark => ({
        seq: mark.event.seq,
        x: x(mark.event.timeMicros),
        tone: mark.tone,
        dashed: mark.dashed,
        y: y.get(mark.event.storeId) ?? null,
        label: mark.label,
        labelX: labels.get(mark) ?? null,
        event: mark.event,
      }),
    )
    .filter((mark) => mark.x >= frame.left)
    .sort((a, b) => a.x - b.x)
    .slice(-marksMax);
}

const commitsMax = 400;

function commitsOf(
  history: History,
  window: TimeWindow,
  x: (micros: number) => number,
  y: ReadonlyMap<number, number>,
  widthOf: (text: string) => number,
): readonly Commit[] {
  const { events } = history;
  const commits: Commit[] = [];
  // Also just before the window, to know who was the first.
  const first = firstIndexWhere(events, (e) => e.timeMicros >= window.fromMicros - 300_000);
  const highest = new Map<number, number>();
  let free = -Infinity;
  for (let i = first; i < events.length && commits.length < commitsMax; i++) {
    const event = events[i];
    if (event.timeMicros > window.toMicros) break;
    const body = event.event.body;
    if (body.case !== "committed") continue;
    // The first store to know that an entry is committed is its leader: the others follow with the next message.
    const region = Number(body.value.regionId);
    const index = Number(body.value.index);
    if (index <= (highest.get(region) ?? 0)) continue;
    highest.set(region, index);
    const lane = y.get(event.storeId);
    if (lane === undefined || event.timeMicros < window.fromMicros) continue;
    const at = x(event.timeMicros);
    const text = String(index);
    const fits = at >= free;
    if (fits) free = at + widthOf(text) + 12;
    commits.push({ seq: event.seq, x: at, y: lane, index, label: fits ? text : "" });
  }
  return commits;
}

const steps = [1, 2, 5];

/** Round times, at least 88 px apart, in seconds with as many decimals as they need. */
export function ticksOf(window: TimeWindow, frame: Frame): readonly Tick[] {
  const width = frame.width - frame.left - frame.right;
  const span = window.toMicros - window.fromMicros;
  if (width <= 0 || span <= 0) return [];
  const least = (span * 88) / width;
  let step = 1;
  for (let power = 1; step < least; power *= 10) {
    for (const factor of steps) {
      step = factor * power;
      if (step >= least) break;
    }
  }
  const decimals = Math.max(0, 6 - Math.floor(Math.log10(step) + 1e-9));
  const ticks: Tick[] = [];
  for (let t = Math.ceil(window.fromMicros / step) * step; t <= window.toMicros; t += step) {
    ticks.push({ x: xOf(frame, window, t), label: `${(t / 1e6).toFixed(decimals)} s` });
  }
  return ticks;
}

/** The last event at or before a time; null when the history begins later. */
export function eventBefore(history: History, micros: number): HistoryEvent | null {
  const after = firstIndexWhere(history.events, (e) => e.timeMicros > micros);
  return history.events[after - 1] ?? null;
}

/** What lies under the pointer: a message's line first, then a mark, then the nearest event that says something. */
export function hit(scene: Scene, history: History, x: number, y: number): Line | HistoryEvent | null {
  let best: Line | null = null;
  let least = 6;
  for (const line of scene.lines) {
    const d = distance(line, x, y) + (line.thin ? 2 : 0);
    if (d < least) {
      least = d;
      best = line;
    }
  }
  if (best) return best;
  let mark: Mark | null = null;
  for (const one of scene.marks) if (Math.abs(one.x - x) < 5 && (!mark || Math.abs(one.x - x) < Math.abs(mark.x - x))) mark = one;
  if (mark) return mark.event;
  return nearest(scene, history, x, y);
}

function nearest(scene: Scene, history: History, x: number, y: number): HistoryEvent | null {
  const { events } = history;
  const from = timeAt(scene.frame, scene.window, x - 8);
  const to = timeAt(scene.frame, scene.window, x + 8);
  const spacing = scene.lanes.length > 1 ? scene.lanes[1].y - scene.lanes[0].y : 40;
  const laneY = new Map(scene.lanes.map((l) => [l.storeId, l.y]));
  let best: HistoryEvent | null = null;
  let least = Infinity;
  const first = firstIndexWhere(events, (e) => e.timeMicros >= from);
  for (let i = first; i < events.length && i < first + 2000 && events[i].timeMicros <= to; i++) {
    const event = events[i];
    if (event.kind === "ticked" || event.kind === "progressChanged") continue;
    const lane = laneY.get(event.storeId);
    const dy = lane === undefined ? spacing / 2 : Math.abs(lane - y);
    if (dy > spacing * 0.6) continue;
    const d = Math.abs(xOf(scene.frame, scene.window, event.timeMicros) - x) + dy;
    if (d < least) {
      least = d;
      best = event;
    }
  }
  return best;
}

function distance(line: Line, x: number, y: number): number {
  const dx = line.x1 - line.x0;
  const dy = line.y1 - line.y0;
  const length = dx * dx + dy * dy;
  const t = length > 0 ? Math.max(0, Math.min(1, ((x - line.x0) * dx + (y - line.y0) * dy) / length)) : 0;
  return Math.hypot(x - line.x0 - t * dx, y - line.y0 - t * dy);
}

/** The window in words, for those who do not see it. */
export function summary(scene: Scene, nowMicros: number): string {
  const s = (micros: number) => `${(Math.max(0, micros) / 1e6).toFixed(2)} s`;
  const sent = scene.lines.filter((l) => l.flight.sentMicros <= nowMicros);
  const lost = sent.filter((l) => l.end === "lost").length;
  const commits = scene.commits.filter((c) => c.x <= scene.playheadX);
  const last = commits[commits.length - 1];
  const parts = [
    `From ${s(scene.window.fromMicros)} to ${s(scene.window.toMicros)}, now at ${s(nowMicros)}.`,
    `${sent.length === 1 ? "1 message" : `${sent.length} messages`}${lost > 0 ? `, ${lost} lost` : ""}.`,
  ];
  for (const mark of scene.marks.slice(-8)) {
    if (mark.x <= scene.playheadX) parts.push(`${mark.label} at ${s(mark.event.timeMicros)}.`);
  }
  if (last) parts.push(`Committed up to entry ${last.index}.`);
  return parts.join(" ");
}

