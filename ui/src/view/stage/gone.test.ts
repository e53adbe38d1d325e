import { describe, expect, it } from "vitest";
import { LossReason } from "../../pb/sessionpb/v1/event_pb";
import type { Cluster, Message } from "../../model/state";
import { gone } from "./gone";

const message = (id: number) => ({ id }) as Message;
function at(seq: number, messages: readonly number[], lost: readonly [number, number][] = []): Cluster {
  return {
    seq,
    timeMicros: seq * 1000,
    messages: messages.map(message),
    lost: lost.map(([id, lostSeq]) => ({
      message: message(id),
      reason: LossReason.NETWORK,
      why: "",
      timeMicros: lostSeq * 1000,
      seq: lostSeq,
    })),
  } as unknown as Cluster;
}
const ids = (list: readonly { id: number }[]) => list.map((m) => m.id);

describe("gone", () => {
  it("tells arrivals from losses", () => {
    const { steady, lost, arrived } = gone(at(10, [1, 2, 3]), at(12, [3], [[2, 12]]), false);
    expect(steady).toBe(true);
    expect(lost.map((l) => l.message.id)).toEqual([2]);
    expect(ids(arrived)).toEqual([1]);
  });
  it("tells a loss once", () => {
    const first = at(12, [], [[2, 12]]);
    expect(gone(first, at(13, [], [[2, 12]]), true).lost).toEqual([]);
  });
  it("shows after a jump only what was lost just there", () => {
    const there = at(5, [1], [[7, 3], [8, 5]]);
    for (const before of [null, at(900, [4]), at(1, [])]) {
      const { steady, lost, arrived } = gone(before?.seq === 1 ? at(-500, []) : before, there, false);
      expect(steady).toBe(false);
      expect(lost.map((l) => l.message.id)).toEqual([8]);
      expect(arrived).toEqual([]);
    }
  });
  it("shows no arrivals when there are too many to follow", () => {
    const many = Array.from({ length: 30 }, (_, i) => i);
    expect(gone(at(1, many), at(2, []), true).arrived).toEqual([]);
  });
});
