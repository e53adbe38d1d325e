import { describe, expect, it } from "vitest";
import { HoldReason, Role } from "../../pb/sessionpb/v1/event_pb";
import { CrashKeeps, CrashMoment, DiskFault, MessageType } from "../../pb/sessionpb/v1/fault_pb";
import { Capability } from "../../pb/sessionpb/v1/session_pb";
import { cannotWords } from "../../model/abilities";
import type { Deed } from "../../model/deeds";
import { linkDeeds, messageDeeds } from "../../model/faultdeeds";
import { fold } from "../../model/fold";
import { trueTime } from "../../model/fold/wire";
import { noCluster, type Message, type Peer, type Store, type Write } from "../../model/state";
import { Script } from "../../model/testing/run";
import { storeMenu } from "./menu";

const all = (capability: Capability) => capability !== Capability.CHANGE_REGIONS;
const none = () => false;
const names = (items: readonly Deed[]) => items.map((i) => i.name);
const refused = (items: readonly Deed[]) => items.every((i) => i.refusal !== "" && i.action === null);

function store(role: Role, writes: readonly Write[] = [], more: Partial<Store> = {}): Store {
  const region = { id: 1, start: new Uint8Array(), end: new Uint8Array(), confVer: 1, version: 1, members: [] };
  const peer = { regionId: 1, storeId: 2, role, region } as unknown as Peer;
  const well = { paused: false, diskFault: DiskFault.UNSPECIFIED, crashMoment: CrashMoment.UNSPECIFIED, crashKeeps: CrashKeeps.UNSPECIFIED };
  return { id: 2, up: true, stoppedReason: "", peers: [peer], writes, snapshots: [], ...well, clock: trueTime, ...more };
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
const faults = ["Crash before the next sync", "Crash in another way", "Pause", "Disk", "Clock"];

describe("a store's menu", () => {
  it("offers a time-out to followers, not to the leader", () => {
    expect(names(storeMenu(noCluster, store(Role.FOLLOWER), 1, all, 0))).toEqual(["Time out now", "Crash", ...faults]);
    expect(names(storeMenu(noCluster, store(Role.LEADER), 1, all, 0))).toEqual(["Crash", ...faults]);
  });
  it("says that a crash comes before the fsync, and what it costs", () => {
    const [crash] = storeMenu(noCluster, store(Role.LEADER, [unsynced]), 1, all, 2000);
    expect(crash.name).toBe("Crash before fsync");
    expect(crash.detail).toBe("loses entries 8–9, 120 B, durable only in 3 ms");
    expect(crash.action?.action).toMatchObject({ case: "crashStore", value: { storeId: 2n } });
  });
  it("offers a store that is down to restart, also on an empty disk", () => {
    expect(names(storeMenu(noCluster, store(Role.FOLLOWER, [], { up: false }), 1, all, 0))).toEqual([
      "Restart",
      "Restart on an empty disk",
      "Disk",
      "Clock",
      "Heal S2",
    ]);
  });
  it("offers one that is paused to go on", () => {
    expect(names(storeMenu(noCluster, store(Role.LEADER, [], { paused: true }), 1, all, 0))).toContain("Resume");
  });
  it("knows the faults of disks and clocks, and which of them are there", () => {
    const items = storeMenu(noCluster, store(Role.LEADER, [], { diskFault: DiskFault.FULL }), 1, all, 0);
    const [disk, clock] = ["Disk", "Clock"].map((name) => items.find((i) => i.name === name)!.more!);
    expect(disk.map((d) => [d.name, d.refusal])).toEqual([
      ["Slow disk", ""],
      ["Full disk", "it is so already"],
      ["Fail the next write", ""],
      ["Fail the next sync", ""],
      ["Change a byte of a value", ""],
      ["Mend the disk", ""],
    ]);
    expect(clock[0].action?.action).toMatchObject({ case: "setClock", value: { storeId: 2n, clock: { ratePpm: 2_000_000 } } });
    expect(clock.find((d) => d.name === "Set right")?.refusal).toBe("it is right");
  });
  it("says why, where the source allows nothing", () => {
    const items = storeMenu(noCluster, store(Role.FOLLOWER), 1, none, 0);
    expect(refused(items)).toBe(true);
    expect(items.map((i) => i.refusal)).toContain("the clocks here cannot be changed");
  });
});

describe("a link's menu", () => {
  const script = new Script();
  script.add(0, { case: "settingsChanged", value: { links: [{ fromStore: 1n, toStore: 2n, cut: true }] } });
  const cluster = script.events.reduce(fold, noCluster);
  it("offers each direction, and what is not so already", () => {
    expect(linkDeeds(cluster, 1, 2, all).map((d) => [d.name, d.refusal])).toEqual([
      ["Cut both ways", ""],
      ["Cut S1 → S2", "it is cut"],
      ["Cut S2 → S1", ""],
      ["Clog S1 → S2", "it is cut"],
      ["Clog S2 → S1", ""],
      ["Settings of S1 → S2…", ""],
      ["Settings of S2 → S1…", ""],
      ["Mend", ""],
    ]);
    expect(linkDeeds(cluster, 1, 3, all).at(-1)?.refusal).toBe("nothing is wrong with it");
  });
  it("lets live links be cut and mended, and nothing else", () => {
    const live = (capability: Capability) => capability === Capability.CHANGE_LINKS;
    const possible = linkDeeds(cluster, 1, 2, live).filter((d) => d.refusal !== cannotWords(Capability.CHANGE_NETWORK));
    expect(names(possible).some((name) => /^(Clog|Settings)/.test(name))).toBe(false);
    expect(names(possible)).toContain("Mend");
  });
  it("says why, where links cannot be changed", () => expect(refused(linkDeeds(cluster, 1, 2, none))).toBe(true));
});

describe("a message's menu", () => {
  const message = { id: 7, from: 3, to: 1, type: MessageType.APPEND, held: HoldReason.UNSPECIFIED, sentMicros: 0, dueMicros: 20_000 } as Message;
  it("offers all that can befall it", () => {
    const items = messageDeeds(message, all, 9000);
    expect(names(items)).toEqual(["Deliver now", "Drop", "Hold", "Delay", "Duplicate"]);
    expect(items[0].detail).toBe("instead of in 11 ms");
    expect(items[0].action?.action).toMatchObject({ case: "deliverMessage", value: { messageId: 7n } });
    expect(items[1].action?.action).toMatchObject({ case: "dropMessage", value: { messageId: 7n } });
  });
  it("releases what is held by hand, and says what else holds it", () => {
    const release = (held: HoldReason) => messageDeeds({ ...message, held }, all, 0)[2];
    expect([release(HoldReason.BY_HAND).name, release(HoldReason.BY_HAND).refusal]).toEqual(["Release", ""]);
    expect(release(HoldReason.CLOGGED).refusal).toBe("its link is clogged: mend the link");
  });
  it("says why, where messages cannot be touched", () => {
    expect(refused(messageDeeds(message, none, 0))).toBe(true);
  });
});
