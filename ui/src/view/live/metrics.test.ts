import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { MetricsPointSchema } from "../../pb/sessionpb/v1/session_pb";
import { chartsOf, lone, metricsWords } from "./metrics";
import { behindText, shareText } from "./words";

const second = (at: number, answered: number, p50 = 0, leaderChanges = 0) =>
  create(MetricsPointSchema, {
    timeMicros: BigInt(at * 1e6),
    spanMicros: 1_000_000n,
    answered: BigInt(answered),
    latencyP50Micros: BigInt(p50),
    latencyP99Micros: BigInt(p50 * 10),
    leaderChanges: BigInt(leaderChanges),
  });

describe("metrics of a live cluster", () => {
  const points = [second(1, 0), second(2, 1500, 1200, 1), second(3, 900, 2000)];

  it("are three charts on one axis; no commands have no latency", () => {
    const [commands, latency, leaders] = chartsOf(points);
    expect(commands.seconds).toEqual([1, 2, 3]);
    expect(commands.series[0].values).toEqual([0, 1500, 900]);
    expect(latency.series.map((s) => s.values)).toEqual([
      [null, 1.2, 2],
      [null, 12, 20],
    ]);
    expect(leaders.series[0].values).toEqual([null, 1, null]);
    expect(commands.now).toBe("900 answered");
    expect([commands, latency, leaders].map((c) => c.whole)).toEqual([true, false, true]);
  });

  it("has a dot for a second that no line goes through", () => {
    expect(lone([null, 2, null, 3, 4, null, 5])).toEqual([1, 6]);
    expect(lone([7])).toEqual([0]);
    expect(lone([])).toEqual([]);
  });

  it("can be read", () => {
    expect(metricsWords(points)).toBe(
      "In the last 3 s: 900 commands a second now; half of them within 2 ms, 99 % within 20 ms, 1,500 a second at most, and 1 change of leaders.",
    );
    expect(metricsWords([])).toBe("");
  });

  it("says how far behind the picture is, and how much of all is shown", () => {
    expect([behindText(830_000), behindText(12_400_000), behindText(300e6)]).toEqual(["0.8 s", "12 s", "5 min"]);
    expect([shareText(0, 0), shareText(70, 70), shareText(700, 100), shareText(120, 100), shareText(9, 0)]).toEqual([
      "",
      "",
      "1 in 7 events shown",
      "not all events shown",
      "no events shown",
    ]);
  });
});
