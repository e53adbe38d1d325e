/** What the charts of a live cluster's metrics draw, and the same in words. */
import { countText, durationText } from "../../model/text";
import type { MetricsPoint } from "../../pb/sessionpb/v1/session_pb";

/** Five minutes. */
export const pointsMax = 300;

export interface Series {
  readonly name: string;
  /** A colour of the theme. */
  readonly tint: string;
  readonly dashed: boolean;
  readonly bars: boolean;
  /** null: nothing to tell, as of the latency of no commands. */
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly title: string;
  readonly unit: string;
  /** The values are counts: there is nothing between two whole numbers. */
  readonly whole: boolean;
  /** The newest values, in words. */
  readonly now: string;
  /** Seconds on the session's clock. */
  readonly seconds: readonly number[];
  readonly series: readonly Series[];
}

/** The places of values without a neighbour: no line goes through them. */
export function lone(values: readonly (number | null | undefined)[]): number[] {
  const is = (at: number) => values[at] !== null && values[at] !== undefined;
  return [...values.keys()].filter((at) => is(at) && !is(at - 1) && !is(at + 1));
}

function perSecond(count: bigint, point: MetricsPoint): number {
  const span = Number(point.spanMicros) || 1e6;
  return Math.round((Number(count) * 1e7) / span) / 10;
}

function millis(micros: bigint): number | null {
  return micros > 0n ? Number(micros) / 1000 : null;
}

export function chartsOf(points: readonly MetricsPoint[]): Chart[] {
  const seconds = points.map((p) => Number(p.timeMicros) / 1e6);
  const last = points[points.length - 1];
  if (!last) return [];
  const series = (name: string, tint: string, of: (p: MetricsPoint) => number | null, more: Partial<Series> = {}): Series => ({
    name,
    tint,
    dashed: false,
    bars: false,
    values: points.map(of),
    ...more,
  });
  const leaders = points.reduce((sum, p) => sum + Number(p.leaderChanges), 0);
  return [
    {
      title: "Commands",
      unit: "per second",
      whole: true,
      now: `${countText(Math.round(perSecond(last.answered, last)))} answered`,
      seconds,
      series: [
        series("answered", "--follower", (p) => perSecond(p.answered, p)),
        series("applied", "--good", (p) => perSecond(p.applied, p), { dashed: true }),
      ],
    },
    {
      title: "Latency",
      unit: "ms",
      whole: false,
      now: latencyWords(last),
      seconds,
      series: [
        series("median", "--follower", (p) => millis(p.latencyP50Micros)),
        series("99 %", "--leader", (p) => millis(p.latencyP99Micros), { dashed: true }),
      ],
    },
    {
      title: "Leader changes",
      unit: "per second",
      whole: true,
      now: `${countText(leaders)} in ${durationText(span(points))}`,
      seconds,
      series: [series("changes", "--vote", (p) => Number(p.leaderChanges) || null, { bars: true })],
    },
  ];
}

function latencyWords(p: MetricsPoint): string {
  if (p.latencyP50Micros === 0n) return "no commands";
  return durationText(Number(p.latencyP50Micros));
}

function span(points: readonly MetricsPoint[]): number {
  return points.reduce((sum, p) => sum + Number(p.spanMicros), 0);
}

/** For who does not see the charts. */
export function metricsWords(points: readonly MetricsPoint[]): string {
  const last = points[points.length - 1];
  if (!last) return "";
  const most = Math.max(...points.map((p) => perSecond(p.answered, p)));
  const leaders = points.reduce((sum, p) => sum + Number(p.leaderChanges), 0);
  const latency =
    last.latencyP50Micros > 0n
      ? `; half of them within ${durationText(Number(last.latencyP50Micros))}, 99 % within ${durationText(Number(last.latencyP99Micros))}`
      : "";
  return (
    `In the last ${durationText(span(points))}: ${countText(Math.round(perSecond(last.answered, last)))} commands a second now${latency}, ` +
    `${countText(Math.round(most))} a second at most, and ${countText(leaders)} ${leaders === 1 ? "change" : "changes"} of leaders.`
  );
}
