import { describe, expect, it } from "vitest";
import { Role } from "../../pb/sessionpb/v1/event_pb";
import { MessageType } from "../../pb/sessionpb/v1/fault_pb";
import { noCluster, type Message, type Peer, type Store, type Write } from "../../model/state";
import { messageMenu, storeMenu, type Abilities } from "./menu";

const all: Abilities = { canTouchMessages: true, canCrash: true, canTimeOut: true, canChangeRegions: false };
const none: Abilities = { canTouchMessages: false, canCrash: false, canTimeOut: false, canChangeRegions: false };
const names = (items: readonly { name: string }[]) => items.map((i) => i.name);

function store(role: Role, writes: readonly Write[] = [], up = true): Store {
  const region = { id: 1, start: new Uint8Array(), end: new Uint8Array(), confVer: 1, version: 1, members: [] };
  const peer = { regionId: 1, storeId: 2, role, region } as unknown as Peer;
  return { id: 2, up, stoppedReason: "", peers: [peer], writes, snapshots: [] };
}
const unsynced = {
  id: 1,
  mustSync: true,
  sizeBytes: 120,
  startedMicros: 0,
  writtenDueMicros: 1000,
  syncedDueMicros: 5000,
  written: true,
  logs: [{ regionId: 1, firstIndex: 8, lastIndex: 9 }],
} as Write;

describe("a store's menu", () => {
  it("offers a time-out to followers, not to the leader", () => {
    expect(names(storeMenu(noCluster, store(Role.FOLLOWER), 1, all, 0))).toEqual(["Time out now", "Crash"]);
    expect(names(storeMenu(noCluster, store(Role.LEADER), 1, all, 0))).toEqual(["Crash"]);
  });
  it("says that a crash comes before the fsync, and what it costs", () => {
    const [crash] = storeMenu(noCluster, store(Role.LEADER, [unsynced]), 1, all, 2000);
    expect(crash.name).toBe("Crash before fsync");
    expect(crash.detail).toBe("loses entries 8–9, 120 B, durable only in 3 ms");
    expect(crash.action?.action).toMatchObject({ case: "crashStore", value: { storeId: 2n } });
  });
  it("offers a store that is down only to restart", () => {
    expect(names(storeMenu(noCluster, store(Role.FOLLOWER, [], false), 1, all, 0))).toEqual(["Restart"]);
  });
  it("is empty where the source allows nothing", () => {
    expect(storeMenu(noCluster, store(Role.FOLLOWER), 1, none, 0)).toEqual([]);
    expect(storeMenu(noCluster, store(Role.FOLLOWER, [], false), 1, none, 0)).toEqual([]);
  });
});

describe("a message's menu", () => {
  const message = { id: 7, from: 3, to: 1, type: MessageType.APPEND, sentMicros: 0, dueMicros: 20_000 } as Message;
  it("offers to deliver and to drop it", () => {
    const [deliver, drop] = messageMenu(message, all, 9000);
    expect(deliver.detail).toBe("instead of in 11 ms");
    expect(deliver.action?.action).toMatchObject({ case: "deliverMessage", value: { messageId: 7n } });
    expect(drop.action?.action).toMatchObject({ case: "dropMessage", value: { messageId: 7n } });
  });
  it("is empty where messages cannot be touched", () => {
    expect(messageMenu(message, none, 0)).toEqual([]);
  });
});
