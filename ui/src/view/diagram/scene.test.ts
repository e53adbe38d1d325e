import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EventSchema, HoldReason, LossReason, Role, type Event } from "../../pb/sessionpb/v1/event_pb";
import { MessageType } from "../../pb/sessionpb/v1/fault_pb";
import { extend, startHistory, type History } from "../../model/history";
import type { Cluster } from "../../model/state";
import { ticksOf, timeAt, xOf, type Frame } from "./axis";
import { eventBefore, hit, summary } from "./pointing";
import { linesMax, sceneOf } from "./scene";

const empty: Cluster = {
  seq: 0,
  timeMicros: 0,
  config: null,
  stores: [],
  messages: [],
  lost: [],
  operations: [],
  violations: [],
  peerStores: new Map(),
};
const frame: Frame = { width: 1100, height: 220, left: 50, right: 50, top: 20, bottom: 20 };
const window = { fromMicros: 0, toMicros: 1_000_000 };

/** A run of three stores, written event by event. */
class Script {
  readonly events: Event[] = [];
  #message = 0n;

  constructor() {
    const peers = [1n, 2n, 3n].map((id) => ({ id, storeId: id }));
    this.add(0, 0, {
      case: "runStarted",
      value: {
        stores: [1n, 2n, 3n].map((id) => ({
          id,
          up: true,
          peers: [{ region: { id: 1n, peers }, peerId: id, role: Role.FOLLOWER, term: 1n }],
        })),
      },
    });
  }

  add(micros: number, storeId: number, body: NonNullable<Parameters<typeof create<typeof EventSchema>>[1]>["body"]): void {
    this.events.push(
      create(EventSchema, {
        seq: BigInt(this.events.length + 1),
        timeMicros: BigInt(micros),
        storeId: BigInt(storeId),
        body,
      }),
    );
  }

  role(micros: number, storeId: number, role: Role, roleBefore: Role, term: number): void {
    this.add(micros, storeId, {
      case: "roleChanged",
      value: { regionId: 1n, role, roleBefore, term: BigInt(term), termBefore: BigInt(term) },
    });
  }

  send(micros: number, from: number, to: number, type = MessageType.APPEND, doomed = false): bigint {
    const id = ++this.#message;
    this.add(micros, from, {
      case: "messageSent",
      value: {
        message: {
          id,
          regionId: 1n,
          fromStore: BigInt(from),
          toStore: BigInt(to),
          type,
          term: 2n,
          sentMicros: BigInt(micros),
          dueMicros: BigInt(micros + 20_000),
          doomed,
        },
      },
    });
    return id;
  }

  deliver(micros: number, storeId: number, id: bigint): void {
    this.add(micros, storeId, { case: "messageDelivered", value: { id } });
  }

  lose(micros: number, id: bigint, reason: LossReason): void {
    this.add(micros, 0, { case: "messageLost", value: { id, reason } });
  }

  history(): History {
    return extend(startHistory(empty), this.events);
  }
}

describe("a held message", () => {
  it("goes level while it rests, and on from there", () => {
    const script = new Script();
    const id = script.send(100_000, 1, 3);
    script.add(110_000, 3, { case: "messageHeld", value: { id, reason: HoldReason.BY_HAND } });
    script.add(300_000, 3, { case: "messageRescheduled", value: { id, dueMicros: 310_000n } });
    script.deliver(310_000, 3, id);
    const at = (nowMicros: number) => sceneOf(extend(startHistory(empty), script.events), [1, 2, 3], 1, window, nowMicros, frame).lines[0];
    const [held, on] = at(400_000).via;
    expect([held.x, on.x]).toEqual([160, 350]);
    expect(held.y).toBe(on.y);
    expect(held.y).toBe((at(400_000).y0 + at(400_000).y1) / 2);
    const waiting = new Script();
    waiting.send(100_000, 1, 3);
    waiting.add(110_000, 3, { case: "messageHeld", value: { id: 1n, reason: HoldReason.BY_HAND } });
    const [line] = sceneOf(extend(startHistory(empty), waiting.events), [1, 2, 3], 1, window, 500_000, frame).lines;
    expect([line.x1, line.y1, line.end]).toEqual([550, held.y, "flying"]);
  });
});

describe("the scene", () => {
  it("has a lane per store, coloured by role over time, dotted while down", () => {
    const script = new Script();
    script.role(100_000, 2, Role.CANDIDATE, Role.FOLLOWER, 2);
    script.role(200_000, 2, Role.LEADER, Role.CANDIDATE, 2);
    script.add(600_000, 2, { case: "storeCrashed", value: { batchesLost: 0, bytesLost: 0 } });
    const scene = sceneOf(script.history(), [1, 2, 3], 1, window, 800_000, frame);
    expect(scene.lanes.map((l) => l.segments.map((s) => [s.tone, Math.round(s.x0), Math.round(s.x1)]))).toEqual([
      [["follower", 50, 850]],
      [
        ["follower", 50, 150],
        ["candidate", 150, 250],
        ["leader", 250, 650],
        ["down", 650, 850],
      ],
      [["follower", 50, 850]],
    ]);
    expect(scene.marks.map((m) => m.label)).toEqual(["S2 leads term 2", "S2 crashes"]);
    expect(scene.playheadX).toBe(850);
  });

  it("draws a message from its sending to its arrival", () => {
    const script = new Script();
    const id = script.send(100_000, 1, 3);
    script.deliver(120_000, 3, id);
    const [line] = sceneOf(script.history(), [1, 2, 3], 1, window, 500_000, frame).lines;
    expect(line).toMatchObject({ id: 1, x0: 150, x1: 170, y0: 50, y1: 170, end: "arrived", tint: "append" });
  });

  it("ends a lost message on its way, a dropped one where it was", () => {
    const script = new Script();
    const doomed = script.send(100_000, 1, 3, MessageType.APPEND, true);
    script.lose(120_000, doomed, LossReason.NETWORK);
    const dropped = script.send(200_000, 1, 3);
    script.lose(205_000, dropped, LossReason.BY_HAND);
    const [first, second] = sceneOf(script.history(), [1, 2, 3], 1, window, 500_000, frame).lines;
    expect(first.end).toBe("lost");
    expect(first.y1).toBeLessThan(170);
    expect(first.y1).toBeGreaterThan(90);
    expect(second).toMatchObject({ end: "lost", x1: 255, y1: 80 });
  });

  it("ends a message in flight at now", () => {
    const script = new Script();
    script.send(100_000, 1, 3);
    const [line] = sceneOf(script.history(), [1, 2, 3], 1, window, 110_000, frame).lines;
    expect(line).toMatchObject({ end: "flying", x1: 160, y1: 110 });
  });

  it("never draws more lines than it may, leaves heartbeats out first, and says how many", () => {
    const script = new Script();
    for (let i = 0; i < linesMax + 100; i++) script.send(i * 100, 1, 2, i % 2 ? MessageType.HEARTBEAT : MessageType.APPEND);
    const scene = sceneOf(script.history(), [1, 2, 3], 1, window, 900_000, frame);
    expect(scene.lines.length).toBe((linesMax + 100) / 2);
    expect(scene.lines.some((l) => l.thin)).toBe(false);
    expect(scene.linesLeftOut).toBe((linesMax + 100) / 2);
  });

  it("gives labels only where they do not lie on one another", () => {
    const script = new Script();
    for (let i = 0; i < 10; i++) {
      script.add(300_000 + i * 5000, 1, { case: "storeCrashed", value: {} });
    }
    const { marks } = sceneOf(script.history(), [1, 2, 3], 1, window, 900_000, frame);
    expect(marks).toHaveLength(10);
    const labels = marks.filter((m) => m.labelX !== null).map((m) => m.labelX as number);
    expect(labels.length).toBeGreaterThan(0);
    labels.sort((a, b) => a - b);
    for (let i = 1; i < labels.length; i++) expect(labels[i] - labels[i - 1]).toBeGreaterThan(70);
  });

  it("marks a commit once, where it was known first", () => {
    const script = new Script();
    script.add(100_000, 2, { case: "committed", value: { regionId: 1n, index: 5n, indexBefore: 4n } });
    script.add(150_000, 1, { case: "committed", value: { regionId: 1n, index: 5n, indexBefore: 4n } });
    script.add(300_000, 2, { case: "committed", value: { regionId: 1n, index: 6n, indexBefore: 5n } });
    const { commits } = sceneOf(script.history(), [1, 2, 3], 1, window, 900_000, frame);
    expect(commits.map((c) => [c.index, c.y, c.label])).toEqual([
      [5, 110, "5"],
      [6, 110, "6"],
    ]);
  });

  it("is told in words", () => {
    const script = new Script();
    script.role(200_000, 2, Role.LEADER, Role.CANDIDATE, 2);
    const id = script.send(300_000, 2, 1);
    script.lose(320_000, id, LossReason.NETWORK);
    const scene = sceneOf(script.history(), [1, 2, 3], 1, window, 800_000, frame);
    expect(summary(scene, 800_000)).toBe(
      "From 0.00 s to 1.00 s, now at 0.80 s. 1 message, 1 lost. S2 leads term 2 at 0.20 s.",
    );
  });
});

describe("pointing", () => {
  it("finds the message under the pointer, else a mark, else the nearest event on the lane", () => {
    const script = new Script();
    const id = script.send(100_000, 1, 3);
    script.deliver(120_000, 3, id);
    script.role(500_000, 2, Role.LEADER, Role.CANDIDATE, 2);
    script.add(700_000, 3, { case: "synced", value: { writeId: 1n } });
    const history = script.history();
    const scene = sceneOf(history, [1, 2, 3], 1, window, 900_000, frame);
    expect(hit(scene, history, 160, 111)).toMatchObject({ id: 1 });
    expect(hit(scene, history, 551, 60)).toMatchObject({ kind: "roleChanged" });
    expect(hit(scene, history, 752, 168)).toMatchObject({ kind: "synced" });
    expect(hit(scene, history, 900, 110)).toBeNull();
  });

  it("goes to the last event at or before a time", () => {
    const script = new Script();
    script.role(500_000, 2, Role.LEADER, Role.CANDIDATE, 2);
    const history = script.history();
    expect(eventBefore(history, 499_999)?.seq).toBe(1);
    expect(eventBefore(history, 500_000)?.seq).toBe(2);
    expect(eventBefore(history, -1)).toBeNull();
    expect(timeAt(frame, window, xOf(frame, window, 123_456))).toBeCloseTo(123_456);
  });
});

describe("ticks", () => {
  it("are round times with room for their labels", () => {
    expect(ticksOf({ fromMicros: 9_430_000, toMicros: 12_430_000 }, frame).map((t) => t.label)).toEqual([
      "9.5 s",
      "10.0 s",
      "10.5 s",
      "11.0 s",
      "11.5 s",
      "12.0 s",
    ]);
    const fine = ticksOf({ fromMicros: 1_000_000, toMicros: 1_020_000 }, frame);
    expect(fine[0].label).toBe("1.000 s");
    for (let i = 1; i < fine.length; i++) expect(fine[i].x - fine[i - 1].x).toBeGreaterThanOrEqual(88);
  });
});
