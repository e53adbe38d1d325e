import { describe, expect, it } from "vitest";
import { outlineOf, sidesOf } from "./sides";

// A square of stores, and one in the middle.
const spots = [
  { x: 100, y: 100 },
  { x: 300, y: 100 },
  { x: 300, y: 300 },
  { x: 100, y: 300 },
  { x: 210, y: 200 },
];

describe("a line through the picture", () => {
  it("parts the stores on either side, also beyond its ends", () => {
    expect(sidesOf([{ x: 160, y: 180 }, { x: 160, y: 220 }], spots)).toEqual([
      [0, 3],
      [1, 2, 4],
    ]);
  });
  it("may bend", () => {
    const around = [{ x: 240, y: 60 }, { x: 240, y: 150 }, { x: 340, y: 160 }];
    expect(sidesOf(around, spots)).toEqual([
      [0, 2, 3, 4],
      [1],
    ]);
  });
  it("encircles a side when it comes back to where it began", () => {
    const circle = Array.from({ length: 40 }, (_, i) => ({ x: 210 + 60 * Math.cos(i / 6.5), y: 200 + 60 * Math.sin(i / 6.5) }));
    expect(sidesOf(circle, spots)).toEqual([
      [0, 1, 2, 3],
      [4],
    ]);
  });
  it("parts nothing when all stand on one side, or when it is a slip", () => {
    expect(sidesOf([{ x: 20, y: 20 }, { x: 20, y: 400 }], spots)).toBeNull();
    expect(sidesOf([{ x: 160, y: 180 }, { x: 162, y: 182 }], spots)).toBeNull();
    expect(sidesOf([{ x: 160, y: 180 }], spots)).toBeNull();
  });
});

describe("the outline of a side", () => {
  const box = (x: number, y: number) => ({ x: x - 20, y: y - 20, width: 40, height: 40 });
  it("goes around its stores", () => {
    expect(outlineOf([box(100, 100), box(300, 100)], [box(200, 300)], 10)).toMatch(/^M.*Z$/);
  });
  it("is not drawn where it would hold another", () => {
    expect(outlineOf([box(100, 100), box(300, 300)], [box(200, 200)], 10)).toBeNull();
  });
});
