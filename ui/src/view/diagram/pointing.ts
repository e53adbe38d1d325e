/** What lies under the pointer, and the picture in words for those who do not see it. */
import type { History, HistoryEvent } from "../../model/history";
import { firstIndexWhere } from "../../model/search";
import { timeAt, xOf } from "./axis";
import type { Mark } from "./marks";
import type { Line, Scene } from "./scene";

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
  const points = [{ x: line.x0, y: line.y0 }, ...line.via, { x: line.x1, y: line.y1 }];
  let least = Infinity;
  for (let i = 1; i < points.length; i++) least = Math.min(least, toSegment(points[i - 1], points[i], x, y));
  return least;
}

function toSegment(a: { x: number; y: number }, b: { x: number; y: number }, x: number, y: number): number {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length = dx * dx + dy * dy;
  const t = length > 0 ? Math.max(0, Math.min(1, ((x - a.x) * dx + (y - a.y) * dy) / length)) : 0;
  return Math.hypot(x - a.x - t * dx, y - a.y - t * dy);
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
