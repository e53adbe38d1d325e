import { describe, expect, test } from "vitest";
import { LossReason, Role } from "../pb/sessionpb/v1/event_pb";
import { MessageType } from "../pb/sessionpb/v1/fault_pb";
import { fold, fromKeyframe } from "./fold";
import { voters } from "./members";
import { noCluster, type Cluster } from "./state";
import { elect, entry, keyframe, put, Script, storeStates } from "./testing/run";

function folded(script: Script): Cluster {
  return script.events.reduce(fold, noCluster);
}

const peer = (cluster: Cluster, store: number) => cluster.stores[store - 1].peers[0];

describe("fold", () => {
  test("a run starts with its stores as followers", () => {
    const cluster = folded(new Script(5));
    expect(cluster.stores.map((s) => s.id)).toEqual([1, 2, 3, 4, 5]);
    expect(cluster.stores.every((s) => s.up && s.peers[0].role === Role.FOLLOWER)).toBe(true);
    expect(voters(peer(cluster, 1).region)).toEqual([1, 2, 3, 4, 5]);
    expect(cluster.seq).toBe(1);
  });

  test("votes are counted as they arrive", () => {
    const script = new Script();
    script.turn(1, Role.CANDIDATE, 1, { vote: 1, termBefore: 0 });
    expect(peer(folded(script), 1).votes).toEqual([1]);
    script.send(1, 3, 1, MessageType.VOTE_RESPONSE, { reject: true });
    script.deliver(1, 1);
    expect(peer(folded(script), 1).votes).toEqual([1]);
    script.send(2, 2, 1, MessageType.VOTE_RESPONSE);
    script.deliver(2, 1);
    expect(peer(folded(script), 1).votes).toEqual([1, 2]);
    expect(folded(script).messages).toEqual([]);
  });

  test("a pre-vote of the term to come counts for a pre-candidate", () => {
    const script = new Script();
    script.turn(1, Role.PRE_CANDIDATE, 1);
    script.send(1, 2, 1, MessageType.PRE_VOTE_RESPONSE, { term: 2n });
    script.deliver(1, 1);
    expect(peer(folded(script), 1).votes).toEqual([1, 2]);
  });

  test("peers are told by their stores", () => {
    const script = new Script();
    elect(script);
    const leader = peer(folded(script), 1);
    expect([leader.role, leader.term, leader.vote, leader.leader, leader.votes]).toEqual([Role.LEADER, 1, 1, 1, [1, 2]]);
    expect(peer(folded(script), 2).vote).toBe(1);
  });

  test("entries are durable when their write is synced", () => {
    const script = new Script();
    script.write(1, 7, [entry(1, 1), entry(2, 1, put("city", "Kyoto"))], 2);
    let one = peer(folded(script), 1);
    expect([one.lastIndex, one.syncedIndex]).toEqual([2, 0]);
    expect(one.entries.map((e) => e.words)).toEqual(["new term", "put city Kyoto"]);
    script.add(1, { case: "written", value: { writeId: 7n } });
    expect(folded(script).stores[0].writes[0].written).toBe(true);
    script.sync(1, 7);
    one = peer(folded(script), 1);
    expect(one.syncedIndex).toBe(2);
    expect(folded(script).stores[0].writes).toEqual([]);
  });

  test("another leader's entries replace those from their first index on", () => {
    const script = new Script();
    script.write(2, 1, [entry(1, 1), entry(2, 1), entry(3, 1)], 3);
    script.sync(2, 1);
    script.write(2, 2, [entry(2, 2)], 2, 2);
    const two = peer(folded(script), 2);
    expect(two.entries.map((e) => [e.index, e.term])).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect([two.lastIndex, two.syncedIndex]).toEqual([2, 1]);
  });

  test("a sync does not make durable what a later write is replacing", () => {
    const script = new Script();
    script.write(2, 1, [entry(1, 1), entry(2, 1)], 2);
    script.write(2, 2, [entry(2, 2)], 2, 2);
    script.sync(2, 1);
    expect(peer(folded(script), 2).syncedIndex).toBe(1);
    script.sync(2, 2);
    expect(peer(folded(script), 2).syncedIndex).toBe(2);
  });

  test("a crash leaves what the disk holds", () => {
    const script = new Script();
    elect(script);
    script.write(1, 1, [entry(1, 1)], 1);
    script.sync(1, 1);
    script.write(1, 2, [entry(2, 1, put("a", "1"))], 2);
    const [left] = storeStates(3);
    const kept = { ...left.peers[0], entries: [entry(1, 1)], lastIndex: 1n, syncedIndex: 1n };
    script.add(1, {
      case: "storeCrashed",
      value: { batchesLost: 1, bytesLost: 64, store: { ...left, up: false, peers: [kept] } },
    });
    const cluster = folded(script);
    expect(cluster.stores[0].up).toBe(false);
    expect(cluster.stores[0].writes).toEqual([]);
    expect(peer(cluster, 1).entries.map((e) => e.index)).toEqual([1]);
    expect(peer(cluster, 1).lastIndex).toBe(1);
    expect(peer(cluster, 1).progress).toEqual([]);
  });

  test("a lost message is gone from the network and remembered as lost", () => {
    const script = new Script();
    script.send(1, 1, 2, MessageType.APPEND, { doomed: true });
    script.add(2, { case: "messageLost", value: { id: 1n, reason: LossReason.NETWORK } });
    const cluster = folded(script);
    expect(cluster.messages).toEqual([]);
    expect(cluster.lost.map((l) => [l.message.id, l.reason])).toEqual([[1, LossReason.NETWORK]]);
  });

  test("applied entries change the keys, in order", () => {
    const script = new Script();
    const key = (k: string, revision: number, deleted = false) => ({
      key: new TextEncoder().encode(k),
      value: new TextEncoder().encode(`${k}${revision}`),
      revision: BigInt(revision),
      deleted,
    });
    script.add(1, { case: "applied", value: { regionId: 1n, index: 1n, changes: [key("b", 1), key("a", 1)] } });
    script.add(1, { case: "applied", value: { regionId: 1n, index: 2n, changes: [key("b", 2), key("a", 2, true)] } });
    const one = peer(folded(script), 1);
    expect(one.keys.map((k) => [k.key, k.value, k.revision])).toEqual([["b", "b2", 2]]);
    expect([one.applied, one.keysTotal]).toEqual([2, 1]);
  });

  test("what did not change is shared", () => {
    const script = new Script();
    const before = folded(script);
    const after = fold(before, script.add(1, { case: "ticked", value: { timers: [{ regionId: 1n, elapsedTicks: 3, timeoutTicks: 11 }] } }));
    expect(after.stores[0]).not.toBe(before.stores[0]);
    expect(after.stores[1]).toBe(before.stores[1]);
    expect(after.messages).toBe(before.messages);
    expect(peer(before, 1).timer.elapsedTicks).toBe(0);
    expect(peer(after, 1).timer.elapsedTicks).toBe(3);
  });

  test("a store that is shown replaces what was known of it, and ends what flew to it where events were left out", () => {
    const script = new Script();
    script.send(1, 1, 2, MessageType.APPEND);
    script.send(2, 1, 3, MessageType.APPEND);
    const state = storeStates(3)[1];
    const shown = (eventsLeftOut: bigint) =>
      script.add(2, {
        case: "storeShown",
        value: { store: { ...state, up: false, peers: [{ ...state.peers[0], term: 7n }] }, eventsLeftOut, why: "too much" },
      });
    const before = folded(script);
    const stays = fold(before, shown(0n));
    expect([stays.stores[1].up, peer(stays, 2).term]).toEqual([false, 7]);
    expect(stays.stores[0]).toBe(before.stores[0]);
    expect(stays.messages.map((m) => m.id)).toEqual([1, 2]);
    expect(fold(stays, shown(3n)).messages.map((m) => m.id)).toEqual([2]);
  });

  test("a store that nobody knew is there once it is shown", () => {
    const state = { ...storeStates(4)[3] };
    const script = new Script();
    script.add(4, { case: "storeShown", value: { store: state } });
    expect(folded(script).stores.map((s) => s.id)).toEqual([1, 2, 3, 4]);
  });

  test("a keyframe is a whole cluster", () => {
    const cluster = fromKeyframe(keyframe(40));
    expect([cluster.seq, cluster.timeMicros, cluster.stores.length]).toEqual([40, 40_000, 3]);
    expect(cluster.peerStores.get(102)).toBe(2);
  });

  test("settings change what is in force", () => {
    const script = new Script();
    script.add(0, { case: "settingsChanged", value: { network: { latencyMicros: 50_000n, jitterMicros: 1000n, lossPpm: 20_000 } } });
    const config = folded(script).config;
    expect(config?.network?.latencyMicros).toBe(50_000n);
    expect(config?.disk?.fsyncMicros).toBe(4000n);
  });
});
