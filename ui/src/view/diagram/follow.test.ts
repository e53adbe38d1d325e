import { describe, expect, it } from "vitest";
import { clampEnd, follow, spanMicrosMax, spanMicrosMin, windowAt, zoomed } from "./follow";

const span = 3_000_000;

describe("follow", () => {
  it("leaves the window where it is while the playhead moves inside it", () => {
    expect(follow(5_000_000, span, 3_000_000)).toBe(5_000_000);
    expect(follow(5_000_000, span, 4_500_000)).toBe(5_000_000);
  });
  it("moves along with the playhead at the right edge, by no more than the playhead moved", () => {
    const end = follow(5_000_000, span, 4_900_000);
    expect(end).toBeGreaterThan(5_000_000);
    expect(follow(end, span, 4_902_000) - end).toBeCloseTo(2000);
  });
  it("shows a playhead that went far back", () => {
    const window = windowAt(follow(60_000_000, span, 10_000_000), span);
    expect(window.fromMicros).toBeLessThan(10_000_000);
    expect(window.toMicros).toBeGreaterThan(10_000_000);
  });
  it("shows nothing before the run", () => {
    expect(clampEnd(0, span) - span).toBeGreaterThan(-span * 0.02);
    expect(follow(5_000_000, span, 0) - span).toBeGreaterThan(-span * 0.02);
  });
});

describe("zoomed", () => {
  it("keeps the time under the pointer where it is", () => {
    const before = windowAt(10_000_000, span);
    const at = 8_000_000;
    const after = zoomed(before, 0.5, at);
    const share = (at - before.fromMicros) / span;
    expect(after.span).toBe(span / 2);
    expect((at - (after.end - after.span)) / after.span).toBeCloseTo(share);
  });
  it("stops at its bounds", () => {
    expect(zoomed(windowAt(10_000_000, span), 1e9, 9_000_000).span).toBe(spanMicrosMax);
    expect(zoomed(windowAt(10_000_000, span), 1e-9, 9_000_000).span).toBe(spanMicrosMin);
  });
});
