import { describe, expect, it } from "vitest";
import { sideOf, tooltipBox, type Around } from "./tooltip";

const around: Around = { x: 400, y: 300, away: 20, ownWidth: 200, ownHeight: 60, width: 800, height: 600 };

describe("a tooltip", () => {
  it("stands at the right when nothing is in its way", () => {
    expect(sideOf(around, [])).toBe("right");
  });
  it("gives way to stores", () => {
    expect(sideOf(around, [{ x: 430, y: 200, width: 120, height: 200 }])).toBe("left");
  });
  it("never covers its own thing while there is another place, nor leaves the stage", () => {
    for (const [x, y] of [
      [10, 10],
      [790, 10],
      [790, 590],
      [10, 590],
      [400, 5],
    ]) {
      const at = { ...around, x, y };
      const box = tooltipBox(at, sideOf(at, []));
      expect(box.x).toBeGreaterThanOrEqual(8);
      expect(box.y).toBeGreaterThanOrEqual(8);
      expect(box.x + box.width).toBeLessThanOrEqual(792);
      expect(box.y + box.height).toBeLessThanOrEqual(592);
      expect(x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height).toBe(false);
    }
  });
});
