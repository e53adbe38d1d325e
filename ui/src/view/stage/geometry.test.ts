import { describe, expect, it } from "vitest";
import { along, layout, overlap, road, spread, type Box } from "./geometry";

const sizes = [
  [852, 606],
  [420, 520],
  [390, 420],
  [1240, 860],
] as const;

function inside(box: Box, width: number, height: number): boolean {
  return box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height;
}

describe("layout", () => {
  for (const [width, height] of sizes) {
    for (let count = 1; count <= 9; count++) {
      it(`places ${count} stores on ${width}×${height} without overlap`, () => {
        const made = layout(count, width, height, { bottom: 40 });
        expect(made.fits).toBe(true);
        expect(made.places).toHaveLength(count);
        const boxes = made.places.flatMap((place, store) =>
          [place.circle, place.above, place.caption, place.strip]
            .filter((box) => box !== null)
            .map((box) => ({ store, box })),
        );
        for (const { box } of boxes) expect(inside(box, width, height - 40)).toBe(true);
        for (const one of boxes) {
          for (const other of boxes) {
            if (one === other) continue;
            expect(overlap(one.box, other.box), `S${one.store + 1} over S${other.store + 1}`).toBe(false);
          }
        }
      });
    }
  }

  it("keeps room to watch a message between any two circles", () => {
    for (let count = 2; count <= 9; count++) {
      const { places, radius } = layout(count, 852, 606, { bottom: 40 });
      for (const a of places) {
        for (const b of places) {
          if (a !== b) expect(Math.hypot(a.x - b.x, a.y - b.y) - 2 * radius).toBeGreaterThan(34);
        }
      }
    }
  });

  it("shows words inside the circles of five stores on a desktop and below them on a phone", () => {
    expect(layout(5, 852, 606, { bottom: 40 }).mode).toBe("full");
    expect(layout(5, 390, 420, { bottom: 40 }).mode).not.toBe("full");
  });

  it("widens cells for long terms", () => {
    expect(layout(3, 852, 606, { termDigits: 4 }).cell.width).toBeGreaterThanOrEqual(4 * 7.2);
  });

  it("says when a stage is too small, and still places every store", () => {
    const made = layout(9, 120, 90);
    expect(made.fits).toBe(false);
    expect(made.places).toHaveLength(9);
    for (const place of made.places) expect(Number.isFinite(place.x + place.y)).toBe(true);
  });
});

describe("spread", () => {
  it("starts at the top and is symmetrical", () => {
    const points = spread(5, 300, 200, 2);
    expect(points[0].x).toBeCloseTo(0);
    expect(points[0].y).toBeCloseTo(-200);
    expect(points[1].x).toBeCloseTo(-points[4].x, 0);
    expect(points[2].y).toBeCloseTo(points[3].y, 0);
  });
});

describe("road", () => {
  const a = { x: 0, y: 0 };
  const b = { x: 300, y: 0 };
  it("keeps the two directions of a link apart all the way", () => {
    const there = road(a, b, 50);
    const back = road(b, a, 50);
    for (let t = 0; t <= 1; t += 0.1) {
      expect(along(there, t).y).toBeGreaterThan(3);
      expect(along(back, t).y).toBeLessThan(-3);
    }
  });
  it("keeps lanes apart all the way", () => {
    for (let t = 0; t <= 1; t += 0.25) {
      expect(along(road(a, b, 50, 1), t).y - along(road(a, b, 50, 0), t).y).toBeGreaterThan(11);
    }
  });
  it("leaves and arrives at the edges of the circles", () => {
    const there = road(a, b, 50);
    expect(Math.hypot(there.from.x, there.from.y)).toBeCloseTo(50);
    expect(Math.hypot(there.to.x - 300, there.to.y)).toBeCloseTo(50);
  });
});
