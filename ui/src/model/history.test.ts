import { describe, expect, test } from "vitest";
import { HoldReason, Role } from "../pb/sessionpb/v1/event_pb";
import { MessageType } from "../pb/sessionpb/v1/fault_pb";
import { create } from "@bufbuild/protobuf";
import { FrameSchema } from "../pb/sessionpb/v1/session_pb";
import { fold } from "./fold";
import { cut, eventAt, extend, spanKey, startHistory } from "./history";
import { noCluster } from "./state";
import { elect, keyframe, Script } from "./testing/run";
import { commonSeq, follow, noTimeline } from "./timeline";

function elected(): Script {
  const script = new Script();
  elect(script);
  return script;
}

describe("history", () => {
  test("flights begin and end with their events", () => {
    const script = elected();
    script.send(4, 1, 2, MessageType.APPEND);
    const history = extend(startHistory(noCluster), script.events);
    expect(history.flights.map((f) => [f.id, f.outcome])).toEqual([
      [1, "delivered"],
      [2, "flying"],
      [3, "delivered"],
      [4, "flying"],
    ]);
    expect(eventAt(history, history.flights[0].endSeq)?.kind).toBe("messageDelivered");
    expect(history.flights[1].endMicros).toBe(history.flights[1].message.dueMicros);
  });

  test("role spans follow a store's roles without gaps", () => {
    const history = extend(startHistory(noCluster), elected().events);
    const spans = history.roleSpans.get(spanKey(1, 1))!;
    expect(spans.map((s) => s.role)).toEqual([Role.FOLLOWER, Role.CANDIDATE, Role.LEADER]);
    expect(spans.slice(1).map((s) => s.fromMicros)).toEqual(spans.slice(0, -1).map((s) => s.toMicros));
    expect(spans[2].toMicros).toBeNull();
  });

  test("a store that stands still has a span of its own", () => {
    const script = elected();
    script.add(1, { case: "storePaused", value: {} });
    script.add(1, { case: "storeResumed", value: {} });
    const spans = extend(startHistory(noCluster), script.events).roleSpans.get(spanKey(1, 1))!;
    expect(spans.slice(2).map((s) => [s.role, s.paused])).toEqual([
      [Role.LEADER, false],
      [Role.LEADER, true],
      [Role.LEADER, false],
    ]);
  });

  test("a flight remembers where it was held, up to where it is cut", () => {
    const script = elected();
    script.add(0, { case: "messageHeld", value: { id: 2n, reason: HoldReason.BY_HAND } });
    script.add(0, { case: "messageRescheduled", value: { id: 2n, dueMicros: 40_000n } });
    const history = extend(startHistory(noCluster), script.events);
    expect(history.flights[1].legs.map((l) => [l.seq, l.held])).toEqual([
      [10, HoldReason.BY_HAND],
      [11, HoldReason.UNSPECIFIED],
    ]);
    expect(history.flights[1].endMicros).toBe(40_000);
    const before = cut(history, script.events.slice(0, 10).reduce(fold, noCluster));
    expect(before.flights[1].legs.map((l) => l.seq)).toEqual([10]);
    expect(cut(history, script.events.slice(0, 4).reduce(fold, noCluster)).flights[1].endMicros).toBe(history.flights[1].message.dueMicros);
  });

  test("events already held are skipped", () => {
    const script = elected();
    const history = extend(startHistory(noCluster), script.events);
    expect(extend(history, script.events)).toBe(history);
    expect(extend(history, [...script.events.slice(-2), script.add(1, { case: "ticked", value: {} })]).events.length).toBe(
      history.events.length + 1,
    );
  });

  test("cutting brings a landed message back into the air", () => {
    const script = elected();
    const history = extend(startHistory(noCluster), script.events);
    const at = script.events.slice(0, 4).reduce(fold, noCluster);
    const before = cut(history, at);
    expect(before.events.length).toBe(4);
    expect(before.flights.map((f) => [f.id, f.outcome])).toEqual([
      [1, "flying"],
      [2, "flying"],
    ]);
    expect(before.elections).toEqual([]);
    expect(before.roleSpans.get(spanKey(1, 1))!.map((s) => s.role)).toEqual([Role.FOLLOWER, Role.CANDIDATE]);
    expect(before.roleSpans.get(spanKey(1, 1))![1].toSeq).toBeNull();
  });
});

describe("timeline", () => {
  const status = (branchId: number, steps = 0n) => ({ branchId, steps });

  test("going back keeps what lies ahead", () => {
    const script = elected();
    let timeline = follow(noTimeline, create(FrameSchema, { events: script.events, status: status(1, 9n) }), true);
    expect(timeline.cluster).toBe(timeline.history.end);
    timeline = follow(timeline, create(FrameSchema, { keyframe: keyframe(1), events: script.events.slice(1, 3), status: status(1, 3n) }), false);
    expect(timeline.cluster.seq).toBe(3);
    expect(timeline.cluster.messages.map((m) => m.id)).toEqual([1]);
    expect(timeline.history.end.seq).toBe(9);
    expect(timeline.headSteps).toBe(9);
    // Forth again: nothing twice.
    timeline = follow(timeline, create(FrameSchema, { events: script.events.slice(3), status: status(1, 9n) }), false);
    expect(timeline.history.events.length).toBe(9);
    expect(timeline.cluster).toBe(timeline.history.end);
  });

  test("acting in the past drops the future of the other branch", () => {
    const script = elected();
    let timeline = follow(noTimeline, create(FrameSchema, { events: script.events, status: status(1, 9n) }), true);
    timeline = follow(timeline, create(FrameSchema, { keyframe: keyframe(1), events: script.events.slice(1, 3), status: status(1, 3n) }), false);
    const other = new Script();
    other.turn(1, Role.CANDIDATE, 1, { vote: 1, termBefore: 0 });
    other.send(1, 1, 2, MessageType.VOTE);
    const crash = other.add(2, { case: "storeCrashed", value: {} });
    const branches = [
      { id: 1, parentId: 0, forkSeq: 0n },
      { id: 2, parentId: 1, forkSeq: 3n },
    ];
    timeline = follow(timeline, create(FrameSchema, { events: [crash], status: status(2, 3n), branchList: { branches } }), false);
    expect(timeline.history.end.seq).toBe(4);
    expect(timeline.history.events.map((e) => e.kind)).toEqual(["runStarted", "roleChanged", "messageSent", "storeCrashed"]);
    expect(timeline.headSteps).toBe(3);
  });

  test("two branches share what lies before both their forks", () => {
    const branch = (id: number, parentId: number, forkSeq: number) => ({ id, parentId, forkSeq: BigInt(forkSeq) });
    const { branches } = create(FrameSchema, {
      branchList: { branches: [branch(1, 0, 0), branch(2, 1, 50), branch(3, 1, 30), branch(4, 2, 70)] },
    }).branchList!;
    expect(commonSeq(branches, 1, 2)).toBe(50);
    expect(commonSeq(branches, 4, 1)).toBe(50);
    expect(commonSeq(branches, 4, 3)).toBe(30);
    expect(commonSeq(branches, 2, 4)).toBe(70);
  });
});
