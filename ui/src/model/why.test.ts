import { describe, expect, test } from "vitest";
import { PeerRole } from "../pb/metapb/v1/metapb_pb";
import { HoldReason, RegionChangeReason, Role } from "../pb/sessionpb/v1/event_pb";
import { MessageType } from "../pb/sessionpb/v1/fault_pb";
import { fold } from "./fold";
import { noCluster, type Cluster } from "./state";
import { elect, entry, put, region, Script } from "./testing/run";
import { firstUncommitted, whyNotCommitted } from "./why";

const folded = (script: Script): Cluster => script.events.reduce(fold, noCluster);

function why(script: Script, store: number, index: number): string[] {
  return [...(whyNotCommitted(folded(script), script.micros, 1, store, index)?.sentences ?? [])];
}

/** S1 leads term 1 and has written entry 1 durably. */
function led(): Script {
  const script = new Script();
  elect(script);
  script.write(1, 1, [entry(1, 1, put("city", "Kyoto"))], 1);
  script.sync(1, 1);
  return script;
}

describe("why an entry is not committed", () => {
  test("its messages are on the way", () => {
    const script = led();
    script.send(10, 1, 2, MessageType.APPEND, { entryTerms: [1n] });
    script.send(11, 1, 3, MessageType.APPEND, { entryTerms: [1n] });
    expect(why(script, 1, 1)).toEqual([
      "Only S1 holds it durably: 1 of the 2 stores that a quorum needs.",
      "It is on the way to S2 and S3, due in 19 ms.",
    ]);
    expect(whyNotCommitted(folded(script), script.micros, 1, 1, 1)?.messageIds).toEqual([10, 11]);
  });

  test("a disk is still writing it", () => {
    const script = led();
    script.write(2, 5, [entry(1, 1, put("city", "Kyoto"))], 1);
    expect(why(script, 1, 1)).toEqual([
      "Only S1 holds it durably: 1 of the 2 stores that a quorum needs.",
      "S2 is still writing it to disk, synced in 5 ms.",
    ]);
  });

  test("the answer is on the way", () => {
    const script = led();
    script.write(2, 5, [entry(1, 1, put("city", "Kyoto"))], 1);
    script.sync(2, 5);
    script.send(12, 2, 1, MessageType.APPEND_RESPONSE, { index: 1n });
    expect(why(script, 1, 1)).toEqual([
      "S1 and S2 hold it durably: a quorum of 2. The leader has yet to hear so.",
      "The answer of S2 is on the way, due in 20 ms.",
    ]);
  });

  test("too many stores are down", () => {
    const script = led();
    script.add(2, { case: "storeCrashed", value: {} });
    script.add(3, { case: "storeCrashed", value: {} });
    expect(why(script, 1, 1)).toEqual([
      "Only S1 holds it durably: 1 of the 2 stores that a quorum needs.",
      "S2 and S3 are down.",
      "Only 1 of 3 stores are up: nothing can be committed until 2 are.",
    ]);
  });

  test("there is no leader", () => {
    const script = led();
    script.turn(1, Role.FOLLOWER, 2, { before: Role.LEADER, termBefore: 1 });
    expect(why(script, 1, 1).at(-1)).toBe("There is no leader, and only a leader commits entries: an election has to come first.");
  });

  test("it is of an earlier term (Raft, 5.4.2)", () => {
    const script = led();
    script.turn(1, Role.LEADER, 3, { vote: 1, leader: 1, votes: [1, 2], before: Role.CANDIDATE, termBefore: 2 });
    expect(why(script, 1, 1)[1]).toBe(
      "It is of term 1, and S1 leads term 3: a leader counts copies only for entries of its own term; this one is committed with the first of those after it.",
    );
    expect(whyNotCommitted(folded(script), script.micros, 1, 1, 1)?.section).toBe("§5.4.2");
  });

  test("a follower has not heard yet", () => {
    const script = led();
    script.write(2, 5, [entry(1, 1, put("city", "Kyoto"))], 1);
    script.sync(2, 5);
    script.add(1, { case: "committed", value: { regionId: 1n, index: 1n, indexBefore: 0n } });
    expect(why(script, 2, 1)).toEqual([
      "It is committed: the leader S1 knows. S2 has not heard of it yet.",
      "The next append or heartbeat will tell it.",
    ]);
  });

  test("a new leader's log will replace it", () => {
    const script = led();
    script.add(1, { case: "storeCrashed", value: {} });
    script.turn(2, Role.LEADER, 2, { vote: 2, leader: 2, votes: [2, 3], before: Role.CANDIDATE, termBefore: 1 });
    expect(why(script, 1, 1).at(-1)).toBe("S2 leads term 2 without this entry: S1's copy will be replaced by the leader's log.");
  });
});

test("the entry to ask about is the first that is not committed", () => {
  const script = led();
  expect(firstUncommitted(folded(script), 1)).toEqual({ storeId: 1, index: 1 });
  script.add(1, { case: "committed", value: { regionId: 1n, index: 1n, indexBefore: 0n } });
  expect(firstUncommitted(folded(script), 1)).toBeNull();
});

describe("who counts", () => {
  test("a learner's copy does not count", () => {
    const script = led();
    const now = region(1, [1, 2, 3, [4, PeerRole.LEARNER]], { confVer: 2 });
    script.change(1, region(1, [1, 2, 3]), now, RegionChangeReason.CONF_CHANGE);
    script.add(4, { case: "storeAdded", value: { store: { id: 4n, up: true, peers: [{ region: now, peerId: 104n, firstIndex: 1n }] } } });
    script.write(4, 9, [entry(1, 1, put("city", "Kyoto"))], 1);
    script.sync(4, 9);
    expect(why(script, 1, 1).slice(0, 2)).toEqual([
      "Only S1 holds it durably: 1 of the 2 stores that a quorum needs.",
      "S4 has it too, as a learner: its copy does not count.",
    ]);
  });

  test("a joint configuration needs both majorities", () => {
    const script = led();
    const now = region(1, [1, [2, PeerRole.LEAVING_VOTER], [3, PeerRole.LEAVING_VOTER], [4, PeerRole.INCOMING_VOTER], [5, PeerRole.INCOMING_VOTER]], { confVer: 2 });
    script.change(1, region(1, [1, 2, 3]), now, RegionChangeReason.CONF_CHANGE);
    script.write(2, 5, [entry(1, 1, put("city", "Kyoto"))], 1);
    script.sync(2, 5);
    const said = why(script, 1, 1);
    expect(said.slice(0, 3)).toEqual([
      "The configuration is joint: a majority of the old members and a majority of the new ones must hold it durably. Missing is the new one.",
      "Old (S1, S2, S3): S1 and S2, 2 of the 2 it needs.",
      "New (S1, S4, S5): S1, 1 of the 2 it needs.",
    ]);
    expect(said).toContain("Only 1 of 3 stores of the new half are up: nothing can be committed until 2 are.");
  });
});

describe("what stands in the way", () => {
  test("a cut link, a paused store, a held message", () => {
    const script = new Script(5);
    elect(script);
    script.write(1, 1, [entry(1, 1, put("city", "Kyoto"))], 1);
    script.sync(1, 1);
    script.add(0, {
      case: "settingsChanged",
      value: {
        links: [
          { fromStore: 1n, toStore: 2n, cut: true },
          { fromStore: 3n, toStore: 1n, cut: true },
        ],
      },
    });
    script.add(4, { case: "storePaused", value: {} });
    script.send(10, 1, 5, MessageType.APPEND, { entryTerms: [1n] });
    script.add(0, { case: "messageHeld", value: { id: 10n, reason: HoldReason.FILTER } });
    expect(why(script, 1, 1)).toEqual([
      "Only S1 holds it durably: 1 of the 3 stores that a quorum needs.",
      "On its way to S5 it waits: held by a filter.",
      "S2 does not hear S1: the link is cut.",
      "S1 does not hear S3: the link is cut.",
      "S4 is paused.",
    ]);
  });
});
