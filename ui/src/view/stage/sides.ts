/** Partitions as they are drawn: which side of a line stores stand on, and the outline around a side. */
import { overlap, type Box, type Point } from "./geometry";

/**
 * The stores on either side of a line that a hand drew, by place in the list of spots. A line that comes back to where
 * it began encircles one side; any other goes on straight beyond both its ends. null: all stand on one side.
 */
export function sidesOf(line: readonly Point[], spots: readonly Point[]): readonly [readonly number[], readonly number[]] | null {
  if (line.length < 2 || spots.length < 2) return null;
  const first = line[0];
  const last = line[line.length - 1];
  let length = 0;
  for (let i = 1; i < line.length; i++) length += distance(line[i - 1], line[i]);
  if (length < lineMin) return null;
  const closed = length > 3 * lineMin && distance(first, last) < 0.22 * length;
  const path = closed ? [...line, first] : [beyond(line[nearEnd(line, 1)], first), ...line, beyond(line[nearEnd(line, -1)], last)];
  const inside: number[] = [];
  const outside: number[] = [];
  // Far from everything and on no line with anything.
  const far = closed ? { x: -9173, y: -7919 } : spots[0];
  spots.forEach((spot, at) => (crossings(path, far, spot) % 2 === 1 ? inside : outside).push(at));
  return inside.length === 0 || outside.length === 0 ? null : [outside, inside];
}

/** Shorter than this is a slip of the hand. */
export const lineMin = 24;
const endPx = 30;

/** A point of the line some way from its end, which tells where the line was heading there. */
function nearEnd(line: readonly Point[], step: 1 | -1): number {
  const from = step === 1 ? 0 : line.length - 1;
  let at = from + step;
  while (at + step >= 0 && at + step < line.length && distance(line[at], line[from]) < endPx) at += step;
  return at;
}

function beyond(from: Point, to: Point): Point {
  const far = 10_000 / Math.max(1, distance(from, to));
  return { x: to.x + (to.x - from.x) * far, y: to.y + (to.y - from.y) * far };
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function crossings(path: readonly Point[], from: Point, to: Point): number {
  let count = 0;
  for (let i = 1; i < path.length; i++) if (cross(path[i - 1], path[i], from, to)) count++;
  return count;
}

function cross(a: Point, b: Point, c: Point, d: Point): boolean {
  const turn = (p: Point, q: Point, r: Point) => (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x) > 0;
  return turn(a, b, c) !== turn(a, b, d) && turn(c, d, a) !== turn(c, d, b);
}

/** The outline around boxes, as the d of a path with round corners; null when it would hold another box as well. */
export function outlineOf(boxes: readonly Box[], others: readonly Box[], pad: number): string | null {
  const hull = hullOf(boxes.flatMap((b) => corners(b, pad)));
  if (hull.length < 3 || others.some((b) => touches(hull, b))) return null;
  const n = (v: number) => v.toFixed(1);
  const parts = hull.map((corner, i) => {
    const before = toward(corner, hull[(i + hull.length - 1) % hull.length]);
    const after = toward(corner, hull[(i + 1) % hull.length]);
    return `${i === 0 ? "M" : "L"}${n(before.x)} ${n(before.y)}Q${n(corner.x)} ${n(corner.y)} ${n(after.x)} ${n(after.y)}`;
  });
  return `${parts.join("")}Z`;
}

const cornerPx = 18;

function toward(from: Point, to: Point): Point {
  const length = distance(from, to) || 1;
  const step = Math.min(cornerPx, length / 2) / length;
  return { x: from.x + (to.x - from.x) * step, y: from.y + (to.y - from.y) * step };
}

function corners(b: Box, pad: number): readonly Point[] {
  const [left, right, top, bottom] = [b.x - pad, b.x + b.width + pad, b.y - pad, b.y + b.height + pad];
  return [
    { x: left, y: top },
    { x: right, y: top },
    { x: right, y: bottom },
    { x: left, y: bottom },
  ];
}

/** The convex hull, clockwise on the screen (Andrew's monotone chain). */
function hullOf(points: readonly Point[]): readonly Point[] {
  const sorted = [...points].sort((a, b) => a.x - b.x || a.y - b.y);
  const half = (list: readonly Point[]) => {
    const chain: Point[] = [];
    for (const p of list) {
      while (chain.length >= 2 && turned(chain[chain.length - 2], chain[chain.length - 1], p) <= 0) chain.pop();
      chain.push(p);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

function turned(a: Point, b: Point, c: Point): number {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

function touches(hull: readonly Point[], box: Box): boolean {
  const inside = (p: Point) => hull.every((a, i) => turned(a, hull[(i + 1) % hull.length], p) >= 0);
  if (corners(box, 0).some(inside) || inside({ x: box.x + box.width / 2, y: box.y + box.height / 2 })) return true;
  return hull.some((p) => overlap(box, { x: p.x, y: p.y, width: 0, height: 0 }));
}
