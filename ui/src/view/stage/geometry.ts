/**
 * Where everything on the stage stands: a pure function of how many stores there are and how large the stage is. The
 * largest figures that fit without overlap win; text is never scaled, so nothing goes under 12 px.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** full: role and term inside the circle. medium: the role below it. small: role and term below it. */
export type FigureMode = "full" | "medium" | "small";

export interface Place {
  /** The circle's centre. */
  readonly x: number;
  readonly y: number;
  /** The circle with its ring and what is fastened to it. */
  readonly circle: Box;
  /** The line of votes above the circle. */
  readonly above: Box | null;
  /** The line of words below the circle. */
  readonly caption: Box | null;
  /** The log, one cell an entry. */
  readonly strip: Box;
  /** All of it. */
  readonly block: Box;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly mode: FigureMode;
  readonly radius: number;
  /** The ring's outer edge, where messages leave and arrive. */
  readonly edge: number;
  readonly cell: { readonly width: number; readonly height: number };
  /** How many cells a strip has room for. */
  readonly cells: number;
  readonly places: readonly Place[];
  /** Only then is the drawing free of overlaps; false on a stage too small for so many stores. */
  readonly fits: boolean;
}

export interface LayoutOptions {
  /** Left free for the legend, at the bottom. */
  readonly bottom?: number;
  readonly top?: number;
  /** The widest term a cell must hold. */
  readonly termDigits?: number;
}

interface Tier {
  readonly mode: FigureMode;
  readonly radius: number;
  readonly cellsMin: number;
  readonly cellsMax: number;
}

export const digitWidth = 7.4;
const captionHeight = 16;
const aboveHeight = 18;
/** Below the cells: the line up to applied, and the foot of the synced tick. */
const stripFoot = 7;
const ringOut = { full: 7, medium: 7, small: 5 };
const captionWidth = { full: 0, medium: 96, small: 112 };

const tiers: readonly Tier[] = [
  ...[96, 88, 80, 72, 66, 60, 56, 53, 50].map((radius): Tier => ({ mode: "full", radius, cellsMin: 8, cellsMax: 12 })),
  { mode: "full", radius: 50, cellsMin: 6, cellsMax: 8 },
  ...[44, 40, 36].map((radius): Tier => ({ mode: "medium", radius, cellsMin: 5, cellsMax: 9 })),
  ...[30, 27, 24, 22].map((radius): Tier => ({ mode: "small", radius, cellsMin: 4, cellsMax: 7 })),
  ...[22, 20, 18, 16].map((radius): Tier => ({ mode: "small", radius, cellsMin: 3, cellsMax: 5 })),
];

/** How far the middles of the blocks may spread, and how square the curve is on which they stand. */
const shapes = [
  { aspect: 1.55, exponent: 2 },
  { aspect: 2.2, exponent: 2 },
  { aspect: Infinity, exponent: 2 },
  { aspect: Infinity, exponent: 3 },
  { aspect: Infinity, exponent: 5 },
  // Two columns, and the odd one at the top between them.
  { aspect: Infinity, exponent: Infinity },
];

export function layout(count: number, width: number, height: number, options: LayoutOptions = {}): Layout {
  const smallest = tiers[tiers.length - 1];
  const radiusMax = Math.max(50, 0.078 * Math.min(width, height * 1.15));
  for (const tier of tiers) {
    if (tier.radius > radiusMax) continue;
    for (const shape of shapes) {
      for (let cells = tier.cellsMax; cells >= tier.cellsMin; cells--) {
        if (shape.exponent > 2 && count < 4) continue;
        const tried = arrange(count, width, height, tier, cells, shape, options);
        if (tried.fits) return tried;
      }
    }
  }
  return arrange(count, width, height, smallest, smallest.cellsMin, shapes[shapes.length - 1], options);
}

function arrange(
  count: number,
  width: number,
  height: number,
  tier: Tier,
  cells: number,
  shape: { aspect: number; exponent: number },
  options: LayoutOptions,
): Layout {
  const { mode, radius } = tier;
  const edge = radius + ringOut[mode];
  const cellWidth = Math.round(
    Math.max(Math.min(radius * 0.37, 30), 17, (options.termDigits ?? 1) * digitWidth + 5),
  );
  const cellHeight = Math.round(Math.max(18, Math.min(radius * 0.36, 28)));
  const stripWidth = cells * cellWidth;
  const above = mode === "small" ? 2 : aboveHeight;
  const caption = mode === "full" ? 0 : captionHeight;
  const gap = mode === "full" ? 9 : mode === "medium" ? 5 : 3;
  const blockWidth = Math.max(2 * edge, stripWidth, captionWidth[mode]);
  const blockHeight = above + 2 * edge + caption + gap + cellHeight + stripFoot;

  const top = options.top ?? 10;
  const bottom = options.bottom ?? 10;
  const side = 10;
  const free = { width: width - 2 * side - blockWidth, height: height - top - bottom - blockHeight };
  const middle = { x: width / 2, y: top + (height - top - bottom) / 2 };
  let a = Math.max(0, free.width / 2);
  let b = Math.max(0, free.height / 2);
  if (count > 2) {
    a = Math.min(a, Math.max(b, 60) * shape.aspect);
    b = Math.min(b, Math.max(a, 60) * shape.aspect);
  } else {
    a = Math.min(a, radius * 5);
  }

  const room = free.width >= 0 && free.height >= 0;
  const places = spread(room || tier === tiers[tiers.length - 1] ? count : 0, a, b, shape.exponent).map((p): Place => {
    const block: Box = {
      x: middle.x + p.x - blockWidth / 2,
      y: middle.y + p.y - blockHeight / 2,
      width: blockWidth,
      height: blockHeight,
    };
    const x = middle.x + p.x;
    const y = block.y + above + edge;
    return {
      x,
      y,
      circle: { x: x - edge, y: y - edge, width: 2 * edge, height: 2 * edge },
      above: mode === "small" ? null : { x: x - 50, y: block.y, width: 100, height: above },
      caption:
        caption === 0
          ? null
          : { x: x - captionWidth[mode] / 2, y: y + edge, width: captionWidth[mode], height: captionHeight },
      strip: {
        x: x - stripWidth / 2,
        y: y + edge + caption + gap,
        width: stripWidth,
        height: cellHeight + stripFoot,
      },
      block,
    };
  });

  return {
    width,
    height,
    mode,
    radius,
    edge,
    cell: { width: cellWidth, height: cellHeight },
    cells,
    places,
    fits: room && roomy(places, mode, radius),
  };
}

/**
 * Points at equal distances along a superellipse, from the top, clockwise; two stand side by side. With an infinite
 * exponent: two columns, and the odd one between them.
 */
export function spread(count: number, a: number, b: number, exponent: number): readonly Point[] {
  if (count <= 1) return count === 1 ? [{ x: 0, y: 0 }] : [];
  if (count === 2) {
    return [
      { x: -a, y: 0 },
      { x: a, y: 0 },
    ];
  }
  if (exponent === Infinity) return columns(count, a, b);
  const samples = 240;
  const curve: Point[] = [];
  const lengths: number[] = [0];
  for (let i = 0; i <= samples; i++) {
    const angle = (i / samples) * 2 * Math.PI;
    const sine = Math.sin(angle);
    const cosine = Math.cos(angle);
    const point = {
      x: a * Math.sign(sine) * Math.abs(sine) ** (2 / exponent),
      y: -b * Math.sign(cosine) * Math.abs(cosine) ** (2 / exponent),
    };
    const last = curve[i - 1];
    if (last) lengths.push(lengths[i - 1] + Math.hypot(point.x - last.x, point.y - last.y));
    curve.push(point);
  }
  const points: Point[] = [];
  const whole = lengths[samples];
  let i = 0;
  for (let k = 0; k < count; k++) {

    const wanted = (whole * k) / count;
    while (i < samples && lengths[i + 1] < wanted) i++;
    const step = lengths[i + 1] - lengths[i];
    const t = step > 0 ? (wanted - lengths[i]) / step : 0;
    points.push({
      x: curve[i].x + (curve[i + 1].x - curve[i].x) * t,
      y: curve[i].y + (curve[i + 1].y - curve[i].y) * t,
    });
  }
  // An odd number does not reach the bottom of the curve: stretched, the drawing stands in the middle.
  const lowest = Math.max(...points.map((p) => p.y));
  if (lowest + b <= 0) return points;
  return points.map((p) => ({ x: p.x, y: -b + ((p.y + b) * 2 * b) / (lowest + b) }));
}

function columns(count: number, a: number, b: number): readonly Point[] {
  const rows = Math.floor(count / 2);
  const y = (row: number) => (rows > 1 ? -b + (2 * b * row) / (rows - 1) : 0);
  const right = Array.from({ length: rows }, (_, row) => ({ x: a, y: y(row) }));
  const left = Array.from({ length: rows }, (_, row) => ({ x: -a, y: y(rows - 1 - row) }));
  if (count % 2 === 1) return [{ x: 0, y: -b }, ...right, ...left];
  if (count === 8) {
    const around = columns(6, a, b);
    return [{ x: 0, y: -b }, ...around.slice(1, 4), { x: 0, y: b }, ...around.slice(4), around[0]];
  }
  return [left[rows - 1], ...right, ...left.slice(0, -1)];
}

/** No block touches another, and there is a way between any two circles long enough to watch a message on it. */
function roomy(places: readonly Place[], mode: FigureMode, radius: number): boolean {
  const pad = mode === "small" ? 3 : 8;
  const way = mode === "small" ? 34 : radius * 1.8;
  for (let i = 0; i < places.length; i++) {
    for (let j = i + 1; j < places.length; j++) {
      if (overlap(places[i].block, places[j].block, pad)) return false;
      if (Math.hypot(places[i].x - places[j].x, places[i].y - places[j].y) < 2 * radius + way) return false;
    }
  }
  return true;
}

export function overlap(a: Box, b: Box, pad = 0): boolean {
  return (
    a.x < b.x + b.width + pad && b.x < a.x + a.width + pad && a.y < b.y + b.height + pad && b.y < a.y + a.height + pad
  );
}

/** The road of one direction of a link: a slight curve to the right, so that two directions never share it. */
export interface Road {
  readonly from: Point;
  readonly bend: Point;
  readonly to: Point;
  readonly length: number;
}

/**
 * Lane 0 is the road itself; further lanes lie side by side, outwards. `around` bends it to the right (to the left when
 * negative) of the way from a to b, see detour.
 */
export function road(a: Point, b: Point, edge: number, lane = 0, around = 0): Road {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const distance = Math.hypot(dx, dy) || 1;
  const ux = dx / distance;
  const uy = dy / distance;
  const vx = -uy;
  const vy = ux;
  const way = Math.max(0, distance - 2 * edge);
  const aside = 4 + lane * laneWidth;
  const bow = Math.min(16, way * 0.055) + around;
  // On an outer lane the road meets the circle's flank, a little nearer to the other store.
  const reach = Math.sqrt(Math.max(0, edge * edge - Math.min(edge, aside) ** 2));
  const from = { x: a.x + ux * reach + vx * aside, y: a.y + uy * reach + vy * aside };
  const to = { x: b.x - ux * reach + vx * aside, y: b.y - uy * reach + vy * aside };
  const bend = { x: (from.x + to.x) / 2 + vx * bow * 2, y: (from.y + to.y) / 2 + vy * bow * 2 };
  return { from, bend, to, length: Math.hypot(to.x - from.x, to.y - from.y) };
}

export const laneWidth = 14;

/** How far the middle of the link from a to b must bend to the right (negative: left) to stay clear of other circles. */
export function detour(a: Point, b: Point, others: readonly Point[], clear: number, middle: Point): number {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const distance = Math.hypot(dx, dy) || 1;
  const vx = -dy / distance;
  const vy = dx / distance;
  const inwards = Math.sign((middle.x - a.x) * vx + (middle.y - a.y) * vy) || 1;
  let bend = 0;
  for (const other of others) {
    const t = ((other.x - a.x) * dx + (other.y - a.y) * dy) / (distance * distance);
    if (t <= 0.05 || t >= 0.95) continue;
    const aside = (other.x - a.x) * vx + (other.y - a.y) * vy;
    if (Math.abs(aside) >= clear) continue;
    const side = Math.abs(aside) < 6 ? inwards : -Math.sign(aside);
    const needed = (side * clear + aside) / (4 * t * (1 - t));
    if (Math.abs(needed) > Math.abs(bend)) bend = needed;
  }
  return Math.max(-0.4 * distance, Math.min(0.4 * distance, bend));
}

/** A point of the road and the direction there, in degrees. */
export function along(road: Road, t: number): { x: number; y: number; degrees: number } {
  const s = 1 - t;
  const { from, bend, to } = road;
  const x = s * s * from.x + 2 * s * t * bend.x + t * t * to.x;
  const y = s * s * from.y + 2 * s * t * bend.y + t * t * to.y;
  const tx = s * (bend.x - from.x) + t * (to.x - bend.x);
  const ty = s * (bend.y - from.y) + t * (to.y - bend.y);
  return { x, y, degrees: (Math.atan2(ty, tx) * 180) / Math.PI };
}

export function roadPath(road: Road): string {
  const n = (v: number) => v.toFixed(1);
  return `M${n(road.from.x)} ${n(road.from.y)}Q${n(road.bend.x)} ${n(road.bend.y)} ${n(road.to.x)} ${n(road.to.y)}`;
}

/** The faint line between two stores, bent like the roads on it. */
export function linkPath(a: Point, b: Point, around: number): string {
  const distance = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  const vx = -(b.y - a.y) / distance;
  const vy = (b.x - a.x) / distance;
  const bend = { x: (a.x + b.x) / 2 + vx * around * 2, y: (a.y + b.y) / 2 + vy * around * 2 };
  return roadPath({ from: a, bend, to: b, length: distance });
}
