import { describe, expect, test } from "vitest";
import { create } from "@bufbuild/protobuf";
import { Outcome } from "../../pb/errorpb/v1/errorpb_pb";
import { RaftCommandResponseSchema } from "../../pb/raftcmdpb/v1/raftcmdpb_pb";
import type { OperationSpan } from "../../model/history";
import { put } from "../../model/testing/run";
import type { Frame } from "../diagram/axis";
import { barAt, barsMax, laneScene, levelsMax, stepFrom, type LaneInput } from "./scene";

const frame: Frame = { width: 1000, height: 220, left: 0, right: 0, top: 20, bottom: 20 };
const ok = create(RaftCommandResponseSchema, { responses: [{ response: { case: "put", value: {} } }] });
const failed = (outcome: Outcome) => create(RaftCommandResponseSchema, { header: { error: { outcome } } });

function span(id: number, worker: number, from: number, to: number | null, more: { retryOf?: number; response?: typeof ok } = {}): OperationSpan {
  return {
    id,
    startedSeq: id,
    endedSeq: to === null ? 0 : id + 1,
    operation: {
      id,
      worker,
      toStore: 1,
      request: put(`k${id}`, "v"),
      startedMicros: from,
      endedMicros: to ?? 0,
      response: to === null ? null : (more.response ?? ok),
      retryOf: more.retryOf ?? 0,
    },
  };
}

function scene(operations: readonly OperationSpan[], more: Partial<LaneInput> = {}) {
  return laneScene({
    operations,
    clients: 0,
    window: { fromMicros: 0, toMicros: 1000 },
    nowMicros: 800,
    knownMicros: 800,
    frame,
    lineHeight: 20,
    scrolled: 0,
    accused: new Set(),
    ...more,
  });
}

describe("the clients' lane", () => {
  test("has a row for the person, one for each client that has worked, and one for each that will", () => {
    const { rows } = scene([span(1, 2, 0, 10)], { clients: 3 });
    expect(rows.map((r) => r.name)).toEqual(["you", "c1", "c2", "c3"]);
    expect(rows.every((r, i) => i === 0 || r.top === rows[i - 1].top + rows[i - 1].height)).toBe(true);
  });

  test("draws an operation from its start to its answer, and one without an answer up to now", () => {
    const { bars } = scene([span(1, 0, 100, 300), span(2, 1, 200, null)]);
    expect(bars.map((b) => [b.x0, b.x1, b.outcome])).toEqual([
      [100, 300, "ok"],
      [200, 800, "open"],
    ]);
  });

  test("tells refused from unknown", () => {
    const { bars } = scene([
      span(1, 1, 0, 100, { response: failed(Outcome.NOT_APPLIED) }),
      span(2, 1, 200, 300, { response: failed(Outcome.MAY_APPLY) }),
    ]);
    expect(bars.map((b) => b.outcome)).toEqual(["refused", "unknown"]);
  });

  test("puts what a person asks at the same time below each other, and no more than so many", () => {
    const all = Array.from({ length: levelsMax + 2 }, (_, i) => span(i + 1, 0, i, 500 + i));
    const { bars, rows } = scene(all);
    expect(new Set(bars.map((b) => b.y)).size).toBe(levelsMax);
    expect(rows[0].height).toBeGreaterThanOrEqual(levelsMax * 20);
    expect(scene([...all, span(90, 0, 600, 700)]).bars.at(-1)!.y).toBe(bars[0].y);
  });

  test("joins the attempts of one request", () => {
    const { retries } = scene([
      span(1, 1, 100, 200, { response: failed(Outcome.MAY_APPLY) }),
      span(2, 1, 250, 400, { retryOf: 1 }),
      span(3, 1, 500, 600),
    ]);
    expect(retries.map((r) => [r.x0, r.x1])).toEqual([[200, 250]]);
  });

  test("draws only what is in view, and of what is shorter than a pixel only one", () => {
    const many = Array.from({ length: 20_000 }, (_, i) => span(i + 1, 1 + (i % 4), i, i + 4));
    const near = scene(many, { window: { fromMicros: 5000, toMicros: 5100 } });
    expect(near.bars.length).toBeLessThan(120);
    expect(near.leftOut).toBe(0);
    const far = scene(many, { window: { fromMicros: 0, toMicros: 20_000 } });
    expect(far.bars.length).toBeLessThanOrEqual(barsMax);
    expect(far.leftOut).toBe(20_000 - far.bars.length);
    // What a judge points at is drawn among any number.
    expect(scene(many, { window: { fromMicros: 0, toMicros: 20_000 }, accused: new Set([7777]) }).bars.some((b) => b.id === 7777)).toBe(true);
  });

  test("draws no row that is scrolled out of sight", () => {
    const rows = Array.from({ length: 40 }, (_, i) => span(i + 1, i + 1, 0, 500));
    const drawn = scene(rows, { scrolled: 400 }).bars.map((b) => b.span.operation.worker);
    expect(drawn.length).toBeLessThan(12);
    expect(drawn[0]).toBeGreaterThan(10);
  });

  test("labels a bar on it when there is room, behind it when there is some there, and else not", () => {
    const [long, short, tight] = scene([span(1, 1, 0, 400), span(2, 1, 500, 510), span(3, 2, 0, 10), span(4, 2, 20, 30)]).bars;
    expect([long.label, long.beside]).toEqual(["put k1 v", false]);
    expect([short.label, short.beside]).toEqual(["put k2 v", true]);
    expect(tight.label).toBe("");
  });

  test("finds the bar under the pointer, on its own line", () => {
    const s = scene([span(1, 1, 100, 200), span(2, 2, 100, 200)]);
    const [first, second] = s.bars;
    expect(barAt(s, 150, first.y, 20)?.id).toBe(1);
    expect(barAt(s, 203, second.y + 5, 20)?.id).toBe(2);
    expect(barAt(s, 300, first.y, 20)).toBeNull();
  });
});

test("arrows go along a client's row and to the same time of the next client's", () => {
  const all = [span(1, 1, 0, 50), span(2, 2, 40, 90), span(3, 1, 100, 150), span(4, 2, 110, 190)];
  expect(stepFrom(all, 0, "next", 105)?.id).toBe(3);
  expect(stepFrom(all, 1, "next", 0)?.id).toBe(3);
  expect(stepFrom(all, 3, "next", 0)?.id).toBe(3);
  expect(stepFrom(all, 3, "down", 0)?.id).toBe(4);
  expect(stepFrom(all, 4, "up", 0)?.id).toBe(3);
  expect(stepFrom(all, 3, "first", 0)?.id).toBe(1);
  expect(stepFrom([], 0, "next", 0)).toBeNull();
});
