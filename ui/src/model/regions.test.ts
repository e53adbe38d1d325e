import { describe, expect, test } from "vitest";
import { PeerRole } from "../pb/metapb/v1/metapb_pb";
import { PeerOrigin, RegionChangeReason, Role, SnapshotStage } from "../pb/sessionpb/v1/event_pb";
import { memberDeeds, regionDeeds } from "./deeds";
import { fold } from "./fold";
import { extend, spanKey, startHistory } from "./history";
import { decided, isJoint, learners, majorities, standingOf, voters, votersOld } from "./members";
import { leaderOf, messagesOf, peerOf, rangeWords, regionOfKey, regionsOf, snapshotTo } from "./regions";
import { noCluster, type Cluster } from "./state";
import { targetOf } from "./target";
import { elect, entry, put, region, Script } from "./testing/run";
import { textBytes } from "./text";
import { parseCommand } from "./command";
import { membersWords, storeWords } from "./words";

const folded = (script: Script): Cluster => script.events.reduce(fold, noCluster);
const words = (script: Script) => extend(startHistory(noCluster), script.events).events.map((e) => e.words);
const one = region(1, [1, 2, 3]);
const left = region(1, [1, 2, 3], { end: "m", version: 2 });
const right = region(2, [1, 2, 3], { start: "m", version: 2 });

function key(k: string, revision: number) {
  return { key: textBytes(k), value: textBytes(k), valueSizeBytes: 1, revision: BigInt(revision) };
}

/** S1 leads, has three keys, and has split the region at m. */
function splitScript(): Script {
  const script = new Script();
  elect(script);
  script.add(1, { case: "applied", value: { regionId: 1n, index: 4n, changes: [key("a", 2), key("m", 3), key("z", 4)] } });
  script.change(1, one, left, RegionChangeReason.SPLIT, 5);
  script.add(1, {
    case: "peerCreated",
    value: {
      origin: PeerOrigin.SPLIT,
      parentRegionId: 1n,
      peer: { region: right, peerId: 201n, term: 2n, firstIndex: 2n, lastIndex: 1n, keys: [key("m", 3), key("z", 4)], keysTotal: 2n },
    },
  });
  return script;
}

describe("a split", () => {
  test("takes the keys from the split key on to the new region", () => {
    const [store] = folded(splitScript()).stores;
    expect(store.peers.map((p) => [p.regionId, p.keys.map((k) => k.key), p.keysTotal])).toEqual([
      [1, ["a"], 1],
      [2, ["m", "z"], 2],
    ]);
    expect(store.peers[1].entries).toEqual([]);
  });

  test("is told by each store's events", () => {
    expect(words(splitScript()).slice(-2)).toEqual([
      "S1 splits region 1 at m (entry 5): it keeps the keys up to m",
      "S1 has a peer of the new region 2 (from m on), split off region 1",
    ]);
  });

  test("makes two regions, in the order of their keys, and a key finds its own", () => {
    const cluster = folded(splitScript());
    const regions = regionsOf(cluster);
    expect(regions.map((r) => [r.id, rangeWords(r.region), r.leader?.storeId])).toEqual([
      [1, "up to m", 1],
      [2, "from m on", undefined],
    ]);
    expect(["l", "m", "n"].map((k) => regionOfKey(regions, textBytes(k))?.id)).toEqual([1, 2, 2]);
  });

  test("leaves a store that has not applied it with the old range, and the newer one is believed", () => {
    const cluster = folded(splitScript());
    expect(rangeWords(peerOf(cluster.stores[1], 1)!.region)).toBe("all keys");
    expect(rangeWords(regionsOf(cluster)[0].region)).toBe("up to m");
  });

  test("sends a command to the region of its key, and to its leader", () => {
    const cluster = folded(splitScript());
    const regions = regionsOf(cluster);
    const limits = { storeIds: [1, 2, 3], regionIds: [1, 2], regionSelected: 1, storesMax: 5, keyBytesMax: 99, valueBytesMax: 99, requestsMax: 9, clientsMax: 9 };
    const at = (line: string) => {
      const parsed = parseCommand(line, limits);
      return parsed.kind === "propose" ? targetOf(cluster, regions, parsed.request, parsed.regionId, 1) : null;
    };
    expect(at("put b 1")).toEqual({ regionId: 1, storeId: 1 });
    expect(at("put z 1")?.regionId).toBe(2);
    expect(at("#1 get z")?.regionId).toBe(1);
    expect(at("split q")?.regionId).toBe(2);
    expect(at("compact")?.regionId).toBe(1);
  });

  test("shows only the messages of one region", () => {
    const script = splitScript();
    script.send(50, 1, 2, 1, { regionId: 2n });
    script.send(51, 1, 2, 1);
    const cluster = folded(script);
    expect(messagesOf(cluster, 2).map((m) => m.id)).toEqual([50]);
    expect(messagesOf(cluster, 1).map((m) => m.id)).not.toContain(50);
  });
});

const learning = region(1, [1, 2, 3, [4, PeerRole.LEARNER]], { confVer: 2 });
const joint = region(1, [1, [2, PeerRole.LEAVING_VOTER], 3, [4, PeerRole.INCOMING_VOTER]], { confVer: 3 });

function joining(): Script {
  const script = new Script();
  elect(script);
  script.add(4, { case: "storeAdded", value: { store: { id: 4n, up: true } } });
  script.change(1, one, learning, RegionChangeReason.CONF_CHANGE, 2);
  return script;
}

describe("membership", () => {
  test("a new store has no peer, then one that waits, then is a learner", () => {
    const script = joining();
    const named = () => storeWords(folded(script).stores[3], 1);
    expect(named()).toBe("S4, no peer of region 1");
    script.add(4, {
      case: "peerCreated",
      value: { origin: PeerOrigin.MESSAGE, peer: { region: { id: 1n }, peerId: 104n, uninitialized: true } },
    });
    expect(named()).toBe("S4, waits for a snapshot");
    script.add(4, {
      case: "snapshotRestored",
      value: { peer: { region: learning, peerId: 104n, term: 1n, applied: 9n, lastIndex: 9n, firstIndex: 10n, keysTotal: 3n } },
    });
    expect(named()).toBe("S4, learner, term 1");
    expect(words(script).slice(-4)).toEqual([
      "S4 joins the cluster, without any peer yet",
      "S1 changes the members of region 1 (entry 2): S4 joins as a learner",
      "S4 makes a peer of region 1; it waits for a snapshot",
      "S4 takes the snapshot of region 1 at entry 9: 3 keys",
    ]);
    const spans = extend(startHistory(noCluster), script.events).roleSpans.get(spanKey(4, 1))!;
    expect(spans.map((s) => [s.waiting, s.learner, s.toSeq === null])).toEqual([
      [true, false, false],
      [false, true, true],
    ]);
  });

  test("a joint configuration has two halves, and both decide", () => {
    const script = joining();
    script.change(1, learning, joint, RegionChangeReason.CONF_CHANGE, 3);
    const now = regionsOf(folded(script))[0].region;
    expect([isJoint(now), votersOld(now), voters(now), learners(now)]).toEqual([true, [1, 2, 3], [1, 3, 4], []]);
    expect(membersWords(now)).toBe("joint: old S1, S2, S3, new S1, S3, S4");
    expect(decided(majorities(now, [1, 2]))).toBe(false);
    expect(decided(majorities(now, [1, 3]))).toBe(true);
    expect(words(script).at(-1)).toBe(
      "S1 changes the members of region 1 (entry 3): it is joint now, and both halves decide: old S1, S2, S3, new S1, S3, S4",
    );
  });

  test("who leaves is forgotten by the leader, and its peer goes", () => {
    const script = joining();
    script.add(1, { case: "progressChanged", value: { regionId: 1n, progress: [{ peerId: 102n, match: 4n }, { peerId: 103n, match: 4n }] } });
    script.change(1, learning, region(1, [1, 3, 4], { confVer: 4 }), RegionChangeReason.CONF_CHANGE, 4);
    script.add(2, { case: "peerDestroyed", value: { regionId: 1n, peerId: 102n, why: "it was removed" } });
    const cluster = folded(script);
    expect(leaderOf(cluster, 1)?.progress.map((p) => p.storeId)).toEqual([3]);
    expect(cluster.stores[1].peers).toEqual([]);
    expect(standingOf(cluster.stores[1], undefined)).toBe("none");
    expect(words(script).at(-1)).toBe("S2's peer of region 1 is gone, with its log and keys: it was removed");
  });
});

describe("snapshots and compaction", () => {
  test("a snapshot on its way is the sender's until it is done", () => {
    const script = joining();
    const snapshot = { snapshotId: 1n, regionId: 1n, toStore: 4n, toPeer: 104n, index: 9n, bytesTotal: 2048n };
    script.add(1, { case: "snapshotProgress", value: { ...snapshot, stage: SnapshotStage.STARTED } });
    script.add(1, { case: "snapshotProgress", value: { ...snapshot, stage: SnapshotStage.SENDING, bytesDone: 1024n } });
    expect(snapshotTo(folded(script), 1, 4)).toMatchObject({ from: 1, to: 4, bytesDone: 1024, bytesTotal: 2048 });
    script.add(1, { case: "snapshotProgress", value: { ...snapshot, stage: SnapshotStage.DONE, bytesDone: 2048n } });
    expect(snapshotTo(folded(script), 1, 4)).toBeUndefined();
    expect(words(script).slice(-3)).toEqual([
      "S1 begins to send S4 a snapshot of region 1 at entry 9, 2 KiB",
      "S1 knows that S4 has 1 KiB of 2 KiB of the snapshot",
      "S1 knows that S4 has the whole snapshot, 2 KiB",
    ]);
  });

  test("compaction takes entries off the front of the log", () => {
    const script = new Script();
    script.write(1, 1, [1, 2, 3, 4].map((i) => entry(i, 1)), 4);
    script.add(1, { case: "logCompacted", value: { regionId: 1n, firstIndex: 4n, firstIndexBefore: 1n } });
    const peer = folded(script).stores[0].peers[0];
    expect([peer.firstIndex, peer.lastIndex, peer.entries.map((e) => e.index)]).toEqual([4, 4, [4]]);
    script.write(1, 2, [entry(5, 1)], 5);
    expect(folded(script).stores[0].peers[0].entries.map((e) => e.index)).toEqual([4, 5]);
    expect(words(script)[2]).toBe("S1 compacts its log: entries 1 to 3 are gone, it begins at entry 4");
  });
});

describe("a transfer of leadership", () => {
  const tick = (elapsedTicks: number) => ({ case: "ticked" as const, value: { timers: [{ regionId: 1n, elapsedTicks, timeoutTicks: 15 }] } });

  test("lasts until the leader steps down, or its timer has gone round", () => {
    const script = new Script();
    elect(script);
    script.add(1, tick(9));
    script.add(1, { case: "transferStarted", value: { regionId: 1n, toStore: 2n, toPeer: 102n } });
    script.add(1, tick(1));
    script.add(1, tick(2));
    expect(leaderOf(folded(script), 1)?.transferTo).toBe(2);
    script.add(1, tick(0));
    expect(leaderOf(folded(script), 1)?.transferTo).toBe(0);
  });
});

describe("what can be done", () => {
  const deeds = (script: Script, store: number) =>
    memberDeeds(folded(script), 1, store).map((d) => (d.refusal ? `${d.name}: ${d.refusal}` : d.name));

  test("follows from what a store is to the region", () => {
    const script = joining();
    script.add(5, { case: "storeAdded", value: { store: { id: 5n, up: true } } });
    expect(deeds(script, 1)).toEqual(["Transfer leadership here: it leads already", "Demote to learner", "Remove from the region"]);
    expect(deeds(script, 2)).toEqual(["Transfer leadership here", "Demote to learner", "Remove from the region"]);
    expect(deeds(script, 4)).toEqual(["Promote to voter", "Remove from the region"]);
    expect(deeds(script, 5)).toEqual(["Add as learner", "Add as voter"]);
  });

  test("a change under way, a joint configuration and a missing leader are reasons not to", () => {
    const script = joining();
    script.change(1, learning, joint, RegionChangeReason.CONF_CHANGE, 3);
    expect(deeds(script, 3)[1]).toBe("Demote to learner: the configuration is joint: leave it first");
    expect(regionDeeds(folded(script), 1).map((d) => d.name)).toContain("Leave the joint configuration");
    script.turn(1, Role.FOLLOWER, 2, { before: Role.LEADER, termBefore: 1 });
    expect(deeds(script, 3)[0]).toBe("Transfer leadership here: there is no leader now");
  });

  test("nothing is left to compact once all that is applied is", () => {
    const script = new Script();
    elect(script);
    script.write(1, 1, [entry(1, 1, put("a", "1"))], 1);
    script.add(1, { case: "applied", value: { regionId: 1n, index: 1n } });
    const compact = () => regionDeeds(folded(script), 1).find((d) => d.name === "Compact the log")?.refusal;
    expect(compact()).toBe("");
    script.add(1, { case: "logCompacted", value: { regionId: 1n, firstIndex: 2n, firstIndexBefore: 1n } });
    expect(compact()).toBe("everything applied is compacted already");
  });
});
