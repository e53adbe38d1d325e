/** Where a tooltip stands beside its thing: inside the stage, hiding as little as possible. */
import type { Box } from "./geometry";

export type Side = "right" | "left" | "above" | "below";

export interface Around {
  readonly x: number;
  readonly y: number;
  readonly away: number;
  readonly ownWidth: number;
  readonly ownHeight: number;
  readonly width: number;
  readonly height: number;
}

const sides: readonly Side[] = ["right", "left", "above", "below"];
const margin = 8;

export function tooltipBox(a: Around, side: Side): Box {
  const beside = side === "right" || side === "left";
  const x = beside ? (side === "right" ? a.x + a.away : a.x - a.away - a.ownWidth) : a.x - a.ownWidth / 2;
  const y = beside ? a.y - a.ownHeight / 2 : side === "below" ? a.y + a.away : a.y - a.away - a.ownHeight;
  return {
    x: Math.max(margin, Math.min(x, a.width - a.ownWidth - margin)),
    y: Math.max(margin, Math.min(y, a.height - a.ownHeight - margin)),
    width: a.ownWidth,
    height: a.ownHeight,
  };
}

export function sideOf(a: Around, avoid: readonly Box[]): Side {
  // The thing itself counts most.
  const self: Box = { x: a.x - a.away * 0.8, y: a.y - a.away * 0.8, width: a.away * 1.6, height: a.away * 1.6 };
  let best: Side = "right";
  let least = Infinity;
  for (const side of sides) {
    const box = tooltipBox(a, side);
    let hidden = 10 * shared(box, self);
    for (const one of avoid) hidden += shared(box, one);
    if (hidden < least - 1) {
      least = hidden;
      best = side;
    }
  }
  return best;
}

function shared(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}
