import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Outcome, type ErrorSchema } from "../pb/errorpb/v1/errorpb_pb";
import { RaftCommandResponseSchema, ReadMode } from "../pb/raftcmdpb/v1/raftcmdpb_pb";
import { LossReason, Role } from "../pb/sessionpb/v1/event_pb";
import { MessageType } from "../pb/sessionpb/v1/fault_pb";
import { fold } from "./fold";
import { extend, startHistory } from "./history";
import { noCluster } from "./state";
import { elect, entry, peerId, put, Script } from "./testing/run";
import { bytesText, countText, durationText, listText } from "./text";
import { answerWords, messageWords, storeWords } from "./words";

/** What the list of events says, as a person reads it. */
function transcript(script: Script): string[] {
  return extend(startHistory(noCluster), script.events).events.map((e) => e.words);
}

describe("events in words", () => {
  test("an election", () => {
    const script = new Script();
    elect(script);
    expect(transcript(script)).toEqual([
      "The run starts with 3 stores and seed 42",
      "S1 becomes candidate in term 1 and votes for itself",
      "S1 sends S2 a vote request: asks for a vote in term 1; its log ends at entry 0 of term 0",
      "S1 sends S3 a vote request: asks for a vote in term 1; its log ends at entry 0 of term 0",
      "S2 receives S1's vote request: asks for a vote in term 1; its log ends at entry 0 of term 0",
      "S2 moves to term 1 and votes for S1",
      "S2 sends S1 a vote response: vote granted in term 1",
      "S1 receives S2's vote response: vote granted in term 1",
      "S1 becomes leader of term 1 with votes from S1, S2",
    ]);
  });

  test("an entry's way", () => {
    const script = new Script();
    script.write(2, 1, [entry(9, 4, put("city", "Kyoto"))], 9, 4);
    script.add(2, { case: "written", value: { writeId: 1n } });
    script.sync(2, 1);
    script.add(2, { case: "committed", value: { regionId: 1n, index: 9n, indexBefore: 8n } });
    script.add(2, { case: "applied", value: { regionId: 1n, index: 9n } });
    expect(transcript(script).slice(1)).toEqual([
      "S2 appends entry 9 of term 4: put city Kyoto",
      "S2's disk has written it; a crash before the sync loses it",
      "S2's disk has synced: entries up to 9 are durable",
      "S2 knows that entry 9 is committed",
      "S2 applies entry 9: put city Kyoto",
    ]);
  });

  test("what a live cluster did not show, and what it lost", () => {
    const script = new Script();
    script.send(1, 1, 2, MessageType.APPEND);
    script.send(2, 1, 3, MessageType.APPEND);
    script.add(1, { case: "messageLost", value: { id: 1n, reason: LossReason.UNSENT, why: "the queue is full" } });
    script.add(3, { case: "messageLost", value: { id: 2n, reason: LossReason.UNSEEN } });
    script.add(2, { case: "storeShown", value: { eventsLeftOut: 1234n, why: "more than 2000 events a second" } });
    script.add(3, { case: "storeShown", value: {} });
    expect(transcript(script).slice(3)).toEqual([
      "The append S1 → S2 never left its store: the queue is full",
      "The append S1 → S3 is lost: nobody saw it arrive",
      "1,234 events were not shown (more than 2000 events a second); S2 is shown as it stands",
      "S3 is shown as it stands",
    ]);
  });

  test("faults", () => {
    const script = new Script();
    script.send(1, 1, 2, MessageType.APPEND, { index: 3n, entryTerms: [1n, 1n], commit: 3n });
    script.add(2, { case: "messageLost", value: { id: 1n, reason: LossReason.STORE_DOWN } });
    script.add(2, { case: "storeCrashed", value: { batchesLost: 1, bytesLost: 2048 } });
    script.add(3, { case: "timedOut", value: { regionId: 1n } });
    script.add(0, { case: "settingsChanged", value: { network: { latencyMicros: 20_000n, jitterMicros: 5000n, lossPpm: 25_000 } } });
    script.add(0, { case: "violation", value: { judge: "log matching", message: "entry 3 differs" } });
    expect(transcript(script).slice(1)).toEqual([
      "S1 sends S2 an append: entries 4 to 5 of term 1, commit 3",
      "The append S1 → S2 is lost: S2 is down",
      "S2 crashes; 1 unsynced batch (2 KiB) lost",
      "S3's election timer is made to fire",
      "Settings change: latency 20 ms ± 5 ms, loss 2.5 %",
      "Violation of log matching: entry 3 differs",
    ]);
  });

  test("a leader steps down", () => {
    const script = new Script();
    elect(script);
    script.turn(1, Role.FOLLOWER, 2, { before: Role.LEADER, termBefore: 1, leader: 3 });
    expect(transcript(script).at(-1)).toBe("S1 steps down to follower in term 2, with S3 as leader");
  });
});

test("a store's item reads like its state", () => {
  const script = new Script();
  elect(script);
  const cluster = script.events.reduce(fold, noCluster);
  expect(storeWords(cluster.stores[0], 1)).toBe("S1, leader, term 1");
  expect(storeWords({ ...cluster.stores[0], up: false }, 1)).toBe("S1, down, term 1");
});

test("a message in words names its ends", () => {
  const script = new Script();
  script.send(1, 1, 2, MessageType.APPEND_RESPONSE, { reject: true, index: 5n, rejectHint: 2n });
  const cluster = script.events.reduce(fold, noCluster);
  expect(messageWords(cluster.messages[0])).toBe(
    "append response S1 → S2: rejected, no entry 5 that matches; it holds up to 2",
  );
});

describe("answers in words", () => {
  const answer = (init: Parameters<typeof create<typeof RaftCommandResponseSchema>>[1]) =>
    answerWords(create(RaftCommandResponseSchema, init), new Map([[Number(peerId(3)), 3]]));
  const bytes = (text: string) => new TextEncoder().encode(text);

  test("values", () => {
    expect(answer({ responses: [{ response: { case: "put", value: {} } }] }).words).toBe("ok");
    expect(answer({ responses: [{ response: { case: "get", value: { found: true, value: bytes("Go") } } }] }).words).toBe("Go");
    expect(answer({ responses: [{ response: { case: "get", value: {} } }] }).words).toBe("not found");
    expect(
      answer({
        responses: [{ response: { case: "scan", value: { pairs: [{ key: bytes("a"), value: bytes("1") }], more: true } } }],
      }).words,
    ).toBe("a = 1, …");
  });

  test("errors say where to go and whether the command may still apply", () => {
    const notLeader = answer({
      header: { error: { outcome: Outcome.NOT_APPLIED, reason: { case: "notLeader", value: { leader: { id: peerId(3) } } } } },
    });
    expect(notLeader).toMatchObject({ tone: "bad", words: "not leader → S3", leader: 3 });
    const timeout = answer({
      header: { error: { outcome: Outcome.MAY_APPLY, reason: { case: "timeout", value: { waitedMicros: 5_000_000n } } } },
    });
    expect(timeout).toMatchObject({ tone: "unsure", words: "no answer in 5 s: the outcome is unknown", leader: 0 });
  });

  test("a read tells its mode and the entry it saw", () => {
    const get = { responses: [{ response: { case: "get" as const, value: { found: true, value: bytes("Go") } } }] };
    const read = (readMode: ReadMode) => answer({ ...get, header: { readMode, index: 12n } }).served;
    expect([ReadMode.READ_INDEX, ReadMode.LEASE, ReadMode.STALE, ReadMode.LOG].map(read)).toEqual([
      "read at entry 12, a quorum confirmed the leader",
      "read at entry 12, within the lease",
      "read at entry 12, may be old",
      "read at entry 12, through the log",
    ]);
  });

  test("what a region refuses, and where a key is instead", () => {
    const error = (reason: MessageInitShape<typeof ErrorSchema>["reason"]) =>
      answer({ header: { error: { outcome: Outcome.NOT_APPLIED, reason } } });
    const right = { id: 2n, startKey: bytes("m") };
    expect(error({ case: "keyNotInRegion", value: { key: bytes("z"), regionId: 1n, endKey: bytes("m"), rightRegion: right } })).toMatchObject({
      words: "z is not in region 1 (up to m); region 2 has it",
      region: 2,
    });
    expect(error({ case: "confChangePending", value: { joint: true } }).words).toBe("the configuration is joint: it has to be left first");
    expect(error({ case: "compactionRefused", value: { compactIndex: 99n, firstIndex: 5n, appliedIndex: 40n } }).words).toBe(
      "entry 99 cannot be compacted: entries 5 to 40 can be",
    );
    expect(error({ case: "quorumAtRisk", value: { voters: 2, silent: [{ storeId: 3n }] } }).words).toBe(
      "refused: the leader has not heard lately of S3, and the 2 voters that the change leaves could decide nothing; --force does it all the same",
    );
    expect(error({ case: "splitKeyRefused", value: { splitKey: bytes("a"), startKey: bytes("m") } }).words).toBe(
      "cannot split at a: it must lie inside the region (from m on), after its first key",
    );
  });

  test("a condition that did not hold", () => {
    expect(answer({ compareFailed: { key: bytes("city"), found: true, value: bytes("Oslo") } }).words).toBe(
      "condition failed: city is Oslo; nothing changed",
    );
  });
});

test("text of bytes, times and counts", () => {
  expect(bytesText(new Uint8Array([0xff, 0]))).toBe("0xff00");
  expect(bytesText(new TextEncoder().encode("京都"))).toBe("京都");
  expect([durationText(300), durationText(2500), durationText(41_000), durationText(1_200_000)]).toEqual([
    "300 µs",
    "2.5 ms",
    "41 ms",
    "1.2 s",
  ]);
  expect([countText(999), countText(1284), countText(1234567)]).toEqual(["999", "1,284", "1,234,567"]);
  expect(listText(["S1", "S2", "S3"])).toBe("S1, S2 and S3");
});
