import { describe, expect, it } from "vitest";
import { HoldReason, LossReason } from "../../pb/sessionpb/v1/event_pb";
import { MessageType } from "../../pb/sessionpb/v1/fault_pb";
import type { Message } from "../../model/state";
import { figureOf, Lanes, lostAt, messageLabel, outline, progress, reach } from "./flight";

function message(fields: Partial<Message> = {}): Message {
  return {
    id: 1,
    regionId: 1,
    from: 3,
    to: 1,
    type: MessageType.APPEND,
    term: 4,
    logTerm: 4,
    index: 8,
    commit: 8,
    reject: false,
    rejectHint: 0,
    entryTerms: [],
    readContext: false,
    snapshotIndex: 0,
    chunk: 0,
    lastChunk: false,
    snapshotBytes: 0,
    snapshotBytesTotal: 0,
    sizeBytes: 40,
    sentMicros: 1000,
    dueMicros: 21_000,
    doomed: false,
    copyOf: 0,
    held: HoldReason.UNSPECIFIED,
    legMicros: fields.sentMicros ?? 1000,
    legFrom: 0,
    late: false,
    ...fields,
  };
}

describe("progress", () => {
  it("goes from the sender to the receiver, and never beyond", () => {
    const m = message();
    expect(progress(m, 0)).toBe(0);
    expect(progress(m, 11_000)).toBe(0.5);
    expect(progress(m, 21_000)).toBe(1);
    expect(progress(m, 90_000)).toBe(1);
  });

  it("lets a doomed message get lost on the way, at its own place", () => {
    for (let id = 1; id < 50; id++) {
      const m = message({ id, doomed: true });
      expect(progress(m, m.dueMicros)).toBe(reach(m));
      expect(reach(m)).toBeGreaterThan(0.4);
      expect(reach(m)).toBeLessThan(0.85);
    }
  });

  it("stands at the receiver when there is no time to fly", () => {
    expect(progress(message({ dueMicros: 1000 }), 1000)).toBe(1);
  });
});

describe("lostAt", () => {
  const lost = { why: "", timeMicros: 6000, seq: 9 };
  it("is where a dropped message was", () => {
    expect(lostAt({ ...lost, message: message(), reason: LossReason.BY_HAND })).toBe(0.25);
  });
  it("is at the door of a store that is down", () => {
    expect(lostAt({ ...lost, message: message(), reason: LossReason.STORE_DOWN })).toBe(1);
  });
});

describe("messageLabel", () => {
  it("names an append with its entries", () => {
    expect(messageLabel(message({ entryTerms: [4] }), "MsgApp")).toBe(
      "MsgApp S3 to S1, term 4, entries 9–9, commit 8",
    );
  });
  it("says that a response is a rejection", () => {
    const m = message({ type: MessageType.APPEND_RESPONSE, reject: true, commit: 0 });
    expect(messageLabel(m, "MsgAppResp")).toBe("MsgAppResp S3 to S1, term 4, index 8, rejected");
  });
});

describe("figureOf", () => {
  it("tells every kind by shape, size or filling, not by colour alone", () => {
    const kinds = Object.values(MessageType).filter((t): t is MessageType => typeof t === "number");
    const seen = new Set(
      [
        MessageType.APPEND,
        MessageType.APPEND_RESPONSE,
        MessageType.VOTE,
        MessageType.VOTE_RESPONSE,
        MessageType.PRE_VOTE,
        MessageType.PRE_VOTE_RESPONSE,
        MessageType.SNAPSHOT,
        MessageType.HEARTBEAT,
        MessageType.HEARTBEAT_RESPONSE,
        MessageType.TIMEOUT_NOW,
        MessageType.READ_INDEX,
        MessageType.READ_INDEX_RESPONSE,
      ].map((type) => {
        const { shape, size, hollow } = figureOf(type);
        return `${shape} ${size} ${hollow}`;
      }),
    );
    expect(seen.size).toBe(12);
    for (const type of kinds) expect(outline(figureOf(type).shape, figureOf(type).size)).toMatch(/^M.*Z$/);
  });
});

describe("Lanes", () => {
  const way = () => 200;
  it("leaves messages that are far apart on one lane", () => {
    const lanes = new Lanes();
    lanes.assign([message({ id: 1 }), message({ id: 2, sentMicros: 8000, dueMicros: 28_000 })], way);
    expect([lanes.lane(1), lanes.lane(2)]).toEqual([0, 0]);
  });
  it("fans out messages sent at once, and keeps their lanes when the first is gone", () => {
    const lanes = new Lanes();
    const all = [1, 2, 3].map((id) => message({ id }));
    lanes.assign(all, way);
    expect(all.map((m) => lanes.lane(m.id))).toEqual([0, 1, 2]);
    lanes.assign(all.slice(1), way);
    expect(lanes.lane(2)).toBe(1);
    expect(lanes.lane(1)).toBe(0);
  });
  it("fans out a message that overtakes another", () => {
    const lanes = new Lanes();
    lanes.assign([message({ id: 1, dueMicros: 40_000 }), message({ id: 2, sentMicros: 8000, dueMicros: 20_000 })], way);
    expect(lanes.lane(2)).toBe(1);
  });
  it("leaves the other direction alone", () => {
    const lanes = new Lanes();
    lanes.assign([message({ id: 1 }), message({ id: 2, from: 1, to: 3 })], way);
    expect(lanes.lane(2)).toBe(0);
  });
  it("forgets messages long gone", () => {
    const lanes = new Lanes();
    for (let id = 1; id < 2000; id += 2) lanes.assign([message({ id }), message({ id: id + 1 })], way);
    expect(lanes.lane(2)).toBe(0);
    expect(lanes.lane(2000)).toBe(1);
  });
});
