import { create, equals, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { HoldReason, KeyframeSchema, LossReason, MessageSchema } from "../pb/sessionpb/v1/event_pb";
import { CrashKeeps, CrashMoment, DiskFault, FilterDeed, MessageType } from "../pb/sessionpb/v1/fault_pb";
import { ActionSchema } from "../pb/sessionpb/v1/run_pb";
import { FrameSchema } from "../pb/sessionpb/v1/session_pb";
import { heal, releaseMessage, resumeStore, setClock, setLinks } from "./action";
import { localMicros, skewMicros } from "./clock";
import { faultsOf } from "./faults";
import { fold, fromKeyframe } from "./fold";
import { extend, startHistory } from "./history";
import { travelled } from "./journey";
import { linkStates, splitOf, type LinkState } from "./links";
import { noCluster, type Cluster } from "./state";
import { keyframe, message, Script } from "./testing/run";
import { follow, noTimeline } from "./timeline";
import { filterWords, splitWords } from "./words";

function folded(script: Script): Cluster {
  return script.events.reduce(fold, noCluster);
}

function transcript(script: Script): string[] {
  return extend(startHistory(noCluster), script.events).events.map((e) => e.words).slice(1);
}

const link = (from: number, to: number, more: object = { cut: true }) => ({ fromStore: BigInt(from), toStore: BigInt(to), ...more });
const settings = (value: object) => ({ case: "settingsChanged", value }) as const;

describe("a message's way", () => {
  test("a held message rests where it is, and goes on from there", () => {
    const script = new Script();
    script.send(1, 1, 2, MessageType.APPEND, { sentMicros: 2000n, dueMicros: 6000n });
    script.add(0, { case: "messageHeld", value: { id: 1n, reason: HoldReason.BY_HAND } });
    let [m] = folded(script).messages;
    expect([m.held, travelled(m, 3000), travelled(m, 900_000)]).toEqual([HoldReason.BY_HAND, 0.25, 0.25]);
    script.add(0, { case: "messageRescheduled", value: { id: 1n, dueMicros: 7000n } });
    [m] = folded(script).messages;
    expect([m.held, m.dueMicros, travelled(m, 4000), travelled(m, 7000)]).toEqual([HoldReason.UNSPECIFIED, 7000, 0.25, 1]);
    expect(travelled(m, 5500)).toBeCloseTo(0.625);
  });

  test("what a whole state says of it is filled up with what is remembered", () => {
    const script = new Script();
    script.send(1, 1, 2, MessageType.APPEND, { sentMicros: 2000n, dueMicros: 6000n });
    script.add(0, { case: "messageHeld", value: { id: 1n, reason: HoldReason.BY_HAND } });
    script.add(0, { case: "messageRescheduled", value: { id: 1n, dueMicros: 8000n } });
    const status = { branchId: 1 };
    const forth = follow(noTimeline, create(FrameSchema, { events: script.events, status }), true);
    const state = (seq: number, more: MessageInitShape<typeof MessageSchema>) =>
      create(KeyframeSchema, { ...keyframe(seq), seq: BigInt(seq), messages: [message(1, 1, 2, MessageType.APPEND, 2000, more)] });
    // Back to where it was held, then to where it was on its way again.
    const back = follow(forth, create(FrameSchema, { keyframe: state(3, { held: HoldReason.BY_HAND, dueMicros: 6000n }), status }), false);
    expect(travelled(back.cluster.messages[0], 99_000)).toBe(0.25);
    const on = follow(back, create(FrameSchema, { keyframe: state(4, { dueMicros: 8000n }), status }), false);
    expect(on.cluster.messages).toEqual(forth.cluster.messages);
  });

  test("without a memory it rests where its reason tells", () => {
    const at = (held: HoldReason) =>
      travelled(fromKeyframe(create(KeyframeSchema, { ...keyframe(9), messages: [message(1, 1, 2, MessageType.APPEND, 0, { held })] })).messages[0], 9000);
    expect([HoldReason.FILTER, HoldReason.BY_HAND, HoldReason.CLOGGED, HoldReason.PAUSED].map(at)).toEqual([0, 0.5, 1, 1]);
  });

  test("in words", () => {
    const script = new Script();
    script.send(1, 1, 2, MessageType.APPEND, { dueMicros: 20_000n });
    script.add(0, { case: "messageHeld", value: { id: 1n, reason: HoldReason.BY_HAND } });
    script.add(0, { case: "messageRescheduled", value: { id: 1n, dueMicros: 30_000n } });
    script.add(0, { case: "messageRescheduled", value: { id: 1n, dueMicros: 40_000n } });
    script.send(2, 1, 2, MessageType.APPEND, { copyOf: 1n });
    script.add(0, { case: "messageHeld", value: { id: 2n, reason: HoldReason.CLOGGED } });
    script.add(0, { case: "messageHeld", value: { id: 1n, reason: HoldReason.PAUSED } });
    script.add(2, { case: "messageLost", value: { id: 1n, reason: LossReason.CUT } });
    script.add(2, { case: "messageLost", value: { id: 2n, reason: LossReason.FILTER } });
    expect(transcript(script).slice(1)).toEqual([
      "The append S1 → S2 is held by hand",
      "The append S1 → S2 travels on and arrives in 26 ms",
      "The append S1 → S2 is delayed: it arrives in 35 ms",
      "A copy of the append S1 → S2 is under way as well: no entries, commit 0",
      "The append S1 → S2 waits: the link S1 → S2 is clogged",
      "The append S1 → S2 waits at the door: S2 is paused",
      "The append S1 → S2 is lost: the link S1 → S2 is cut",
      "The append S1 → S2 is lost: a filter takes it",
    ]);
  });
});

describe("a store's faults", () => {
  test("are folded and told in words", () => {
    const script = new Script();
    script.add(2, { case: "storePaused", value: {} });
    script.add(2, { case: "faultArmed", value: { diskFault: DiskFault.FULL } });
    script.add(2, { case: "faultArmed", value: { diskFault: DiskFault.FULL, crashMoment: CrashMoment.BEFORE_SYNC, crashKeeps: CrashKeeps.SOME } });
    let [, store] = folded(script).stores;
    expect([store.paused, store.diskFault, store.crashMoment, store.crashKeeps]).toEqual([true, DiskFault.FULL, CrashMoment.BEFORE_SYNC, CrashKeeps.SOME]);
    script.add(2, { case: "storeResumed", value: {} });
    script.add(2, { case: "faultArmed", value: {} });
    script.add(2, { case: "storeCrashed", value: { batchesLost: 1, bytesLost: 64, batchesKept: 2, keeps: CrashKeeps.ALL_BUT_TORN } });
    script.add(2, { case: "storeStarted", value: { wiped: true } });
    script.add(2, { case: "diskCorrupted", value: { regionId: 1n, key: new TextEncoder().encode("city") } });
    [, store] = folded(script).stores;
    expect([store.paused, store.diskFault, store.crashMoment]).toEqual([false, DiskFault.UNSPECIFIED, CrashMoment.UNSPECIFIED]);
    expect(transcript(script)).toEqual([
      "S2 is paused: it neither ticks nor hears nor answers",
      "S2's disk is full: every write fails",
      "S2 will crash when its next batch is written and not yet synced; a chance part of it stays",
      "S2 goes on after its pause",
      "S2's disk fault is over; S2 no longer waits to crash before a sync",
      "S2 crashes; 1 unsynced batch (64 B) lost, the last one torn; 2 unsynced batches are there all the same",
      "S2 restarts on an empty disk: it has forgotten every vote it gave and every entry it acknowledged",
      "A byte of city's value on S2's disk changes, and nobody notices",
    ]);
  });

  test("its clock runs on from where it was set", () => {
    const script = new Script();
    script.add(2, { case: "clockSet", value: { clock: { ratePpm: 2_000_000 }, jumpMicros: 5_000_000n, localMicros: 5_002_000n } });
    script.add(2, { case: "clockSet", value: { clock: { lateMicros: 30_000n }, localMicros: 5_004_000n } });
    expect(transcript(script)).toEqual([
      "S2's clock jumps 5 s ahead and runs at 2×; it is 5 s ahead",
      "S2's clock ticks late by up to 30 ms; it is 5 s ahead",
    ]);
    const { clock } = folded(new Script()).stores[0];
    expect([localMicros(clock, 9000), skewMicros(clock, 9000)]).toEqual([9000, 0]);
    const set = script.events.slice(0, 2).reduce(fold, noCluster).stores[1].clock;
    expect(skewMicros(set, 102_000)).toBe(5_100_000);
  });

  test("a whole state holds them", () => {
    const frame = keyframe(40);
    frame.config!.clocks = [{ $typeName: "sessionpb.v1.StoreClock", storeId: 2n, clock: { $typeName: "sessionpb.v1.Clock", ratePpm: 500_000, lateMicros: 0n } }];
    Object.assign(frame.stores[1], { paused: true, diskFault: DiskFault.SYNC_ERROR, crashMoment: CrashMoment.BEFORE_SYNC, localMicros: 20_000n });
    const [one, two] = fromKeyframe(frame).stores;
    expect([two.paused, two.diskFault, two.crashMoment]).toEqual([true, DiskFault.SYNC_ERROR, CrashMoment.BEFORE_SYNC]);
    expect([two.clock.ratePpm, skewMicros(two.clock, 60_000)]).toEqual([500_000, -30_000]);
    expect(skewMicros(one.clock, 60_000)).toBe(0);
  });
});

describe("links", () => {
  const cuts = (...pairs: readonly (readonly [number, number])[]): readonly LinkState[] =>
    linkStates(pairs.map(([a, b]) => ({ $typeName: "sessionpb.v1.Link", fromStore: BigInt(a), toStore: BigInt(b), cut: true, clogged: false })));
  const between = (left: number[], right: number[]) => left.flatMap((a) => right.flatMap((b) => [[a, b], [b, a]] as [number, number][]));
  const words = (pairs: readonly (readonly [number, number])[], stores = 5) => {
    const split = splitOf(cuts(...pairs), Array.from({ length: stores }, (_, i) => i + 1));
    return split ? splitWords(split) : null;
  };

  test("make partitions that have names", () => {
    expect(words(between([1, 2], [3, 4, 5]))).toBe("partition: S1, S2 | S3, S4, S5");
    expect(words([...between([1, 2], [3, 4, 5]), ...between([3], [4, 5])])).toBe("partition: S1, S2 | S3 | S4, S5");
    expect(words([[1, 2], [1, 3], [1, 4], [1, 5]])).toBe("S1 hears the others, but is not heard");
    expect(words([...between([1], [3, 4]), ...between([2], [4, 5]), ...between([3], [5])])).toBe(
      "ring: each store hears its two neighbours alone (S1 – S2 – S3 – S4 – S5)",
    );
    expect(words(between([1, 2], [4, 5]))).toBe("S3 is the bridge between S1, S2 | S4, S5");
  });

  test("or none", () => {
    expect(words([])).toBeNull();
    expect(words(between([1], [2]))).toBeNull();
    expect(words([[1, 2], [2, 3]])).toBeNull();
  });

  test("what changed of them, in words", () => {
    const script = new Script(5);
    const base = { network: { latencyMicros: 20_000n }, disk: { fsyncMicros: 4000n } };
    script.add(0, settings({ ...base, links: [link(1, 2)] }));
    script.add(0, settings({ ...base, links: [link(1, 2), link(2, 1)] }));
    script.add(0, settings({ ...base, links: [link(1, 2, { clogged: true }), link(2, 3, { network: { latencyMicros: 50_000n, lossPpm: 200_000 } })] }));
    script.add(0, settings({ ...base, links: between([1, 2], [3, 4, 5]).map(([a, b]) => link(a, b)) }));
    script.add(0, settings({ ...base, links: [] }));
    script.add(0, settings({ ...base, filters: [{ type: MessageType.APPEND_RESPONSE, fromStore: 2n, deed: FilterDeed.LOSE }] }));
    script.add(0, settings({ ...base, disks: [{ storeId: 2n, disk: { writeMicros: 1000n, fsyncMicros: 200_000n } }] }));
    expect(transcript(script)).toEqual([
      "Settings change: S1 → S2 is cut",
      "Settings change: S2 → S1 is cut",
      "Settings change: S1 → S2 is clogged; S2 → S3 has latency 50 ms ± 0 µs, loss 20 %; S2 → S1 is mended",
      "Settings change: partition: S1, S2 | S3, S4, S5",
      "Settings change: all links are mended",
      "Settings change: append responses from S2 are lost",
      "Settings change: no filters any more; S2's disk: write 1 ms, fsync 200 ms",
    ]);
  });

  test("a filter in words", () => {
    const words = (init: object) => filterWords({ $typeName: "sessionpb.v1.Filter", fromStore: 0n, toStore: 0n, type: 0, regionId: 0n, deed: 0, delayMicros: 0n, ...init });
    expect(words({ deed: FilterDeed.HOLD })).toBe("all messages are held");
    expect(words({ type: MessageType.VOTE, toStore: 3n, regionId: 2n, deed: FilterDeed.DELAY, delayMicros: 500_000n })).toBe(
      "vote requests of region 2 to S3 are delayed by 500 ms",
    );
  });
});

describe("what is wrong now", () => {
  const same = (a: ReturnType<typeof heal>, b: ReturnType<typeof heal>) => equals(ActionSchema, a, b);

  test("is nothing in a cluster that is well", () => expect(faultsOf(folded(new Script()), 9_000_000)).toEqual([]));

  test("is listed in words, each with what mends it", () => {
    const script = new Script();
    script.add(0, settings({ network: { latencyMicros: 20_000n }, links: [link(1, 2), link(3, 1, { clogged: true })] }));
    script.send(1, 1, 2, MessageType.APPEND);
    script.add(0, { case: "messageHeld", value: { id: 1n, reason: HoldReason.BY_HAND } });
    script.add(2, { case: "storePaused", value: {} });
    script.add(3, { case: "clockSet", value: { clock: { ratePpm: 2_000_000 }, localMicros: 2_006_000n } });
    const faults = faultsOf(folded(script), 6000);
    expect(faults.map((f) => `${f.words} · ${f.mend}`)).toEqual([
      "S2 does not hear S1: S1 → S2 is cut · Mend",
      "S3 → S1 is clogged: what is sent waits · Mend",
      "One message is held · Release",
      "S2 is paused · Resume",
      "S3's clock runs at 2×; it is 2 s ahead · Set right",
    ]);
    expect(same(faults[0].actions[0], setLinks([link(1, 2, {})]))).toBe(true);
    expect(same(faults[2].actions[0], releaseMessage(1))).toBe(true);
    expect(same(faults[3].actions[0], resumeStore(2))).toBe(true);
    expect(same(faults[4].actions[0], setClock(3, {}, -2_000_000))).toBe(true);
  });

  test("a partition is one fault, and mended as a whole", () => {
    const script = new Script(5);
    const links = [1, 2].flatMap((a) => [3, 4, 5].flatMap((b) => [link(a, b), link(b, a)]));
    script.add(0, settings({ links }));
    const faults = faultsOf(folded(script), 0);
    expect(faults.map((f) => f.words)).toEqual(["Partition: S1, S2 | S3, S4, S5"]);
    expect(same(faults[0].actions[0], setLinks(links.map((l) => ({ ...l, cut: false }))))).toBe(true);
  });
});
