/** The state's values out of the wire's. */
import { PeerRole, type Region as PbRegion } from "../../pb/metapb/v1/metapb_pb";
import type { PeerProgress } from "../../pb/raftcmdpb/v1/raftcmdpb_pb";
import type {
  ClockSet,
  Event,
  LogEntry,
  Message as PbMessage,
  Operation as PbOperation,
  KeyChange,
  PeerState,
  PeerTimer,
  SnapshotProgress,
  StoreState,
  Violation as PbViolation,
  WriteStarted,
} from "../../pb/sessionpb/v1/event_pb";
import { HoldReason, Role } from "../../pb/sessionpb/v1/event_pb";
import type { StoreClock as PbStoreClock } from "../../pb/sessionpb/v1/fault_pb";
import { restOf } from "../journey";
import type {
  Entry,
  KeyRecord,
  Message,
  Operation,
  Peer,
  Progress,
  Region,
  SnapshotTransfer,
  Store,
  StoreClock,
  Timer,
  Violation,
  Write,
} from "../state";
import { bytesText, compareBytes } from "../text";
import { entryWords } from "../words/request";

export function messageOf(m: PbMessage): Message {
  return {
    id: Number(m.id),
    regionId: Number(m.regionId),
    from: Number(m.fromStore),
    to: Number(m.toStore),
    type: m.type,
    term: Number(m.term),
    logTerm: Number(m.logTerm),
    index: Number(m.index),
    commit: Number(m.commit),
    reject: m.reject,
    rejectHint: Number(m.rejectHint),
    entryTerms: m.entryTerms.map(Number),
    readContext: m.readContext,
    snapshotIndex: Number(m.snapshotIndex),
    chunk: m.chunk,
    lastChunk: m.lastChunk,
    snapshotBytes: Number(m.snapshotBytes),
    snapshotBytesTotal: Number(m.snapshotBytesTotal),
    sizeBytes: m.sizeBytes,
    sentMicros: Number(m.sentMicros),
    dueMicros: Number(m.dueMicros),
    doomed: m.doomed,
    copyOf: Number(m.copyOf),
    held: m.held,
    late: false,
    legMicros: Number(m.sentMicros),
    legFrom: m.held === HoldReason.UNSPECIFIED ? 0 : restOf(m.held),
  };
}

export function operationOf(o: PbOperation): Operation {
  return {
    id: Number(o.id),
    toStore: Number(o.toStore),
    // Proposals always carry one.
    request: o.request!,
    startedMicros: Number(o.startedMicros),
    response: o.response ?? null,
    endedMicros: Number(o.endedMicros),
    worker: o.worker,
    retryOf: Number(o.retryOf),
  };
}

export function violationOf(event: Event, v: PbViolation): Violation {
  return {
    seq: Number(event.seq),
    timeMicros: Number(event.timeMicros),
    judge: v.judge,
    message: v.message,
    regionId: Number(v.regionId),
    storeIds: v.storeIds.map(Number),
    index: Number(v.index),
    term: Number(v.term),
    evidenceSeqs: v.evidenceSeqs.map(Number),
  };
}

export function timerOf(t: PeerTimer): Timer {
  return { elapsedTicks: t.elapsedTicks, timeoutTicks: t.timeoutTicks };
}

export function entryOf(e: LogEntry): Entry {
  return { index: Number(e.index), term: Number(e.term), type: e.type, words: entryWords(e), sizeBytes: e.sizeBytes };
}

export function keyOf(change: KeyChange): KeyRecord {
  return {
    key: bytesText(change.key),
    keyBytes: change.key,
    value: bytesText(change.value),
    valueSizeBytes: change.valueSizeBytes,
    revision: Number(change.revision),
  };
}

export function writeOf(w: WriteStarted, startedMicros: number): Write {
  return {
    id: Number(w.writeId),
    mustSync: w.mustSync,
    sizeBytes: w.sizeBytes,
    startedMicros,
    writtenDueMicros: Number(w.writtenDueMicros),
    syncedDueMicros: Number(w.syncedDueMicros),
    written: false,
    logs: w.peers.map((p) => ({
      regionId: Number(p.regionId),
      firstIndex: p.entries.length > 0 ? Number(p.firstIndex) : 0,
      lastIndex: Number(p.lastIndex),
    })),
  };
}

export function progressOf(p: PeerProgress, peerStores: ReadonlyMap<number, number>): Progress {
  return {
    peerId: Number(p.peerId),
    storeId: peerStores.get(Number(p.peerId)) ?? 0,
    match: Number(p.match),
    next: Number(p.next),
    state: p.state,
    recentActive: p.recentActive,
    learner: p.learner,
    pendingSnapshot: Number(p.pendingSnapshot),
  };
}

/** A store as its state tells; clock: as it runs, where that is known. */
export function storeOf(s: StoreState, peerStores: ReadonlyMap<number, number>, clock: StoreClock = trueTime): Store {
  const id = Number(s.id);
  const writtenIds = new Set(s.writtenIds.map(Number));
  return {
    id,
    up: s.up,
    stoppedReason: s.stoppedReason,
    peers: s.peers.map((p) => peerOf(p, id, peerStores)).sort((a, b) => a.regionId - b.regionId),
    writes: s.writes.map((w) => ({ ...writeOf(w, 0), written: writtenIds.has(Number(w.writeId)) })),
    snapshots: s.snapshots.map((t) => transferOf(t, id)),
    paused: s.paused,
    diskFault: s.diskFault,
    crashMoment: s.crashMoment,
    crashKeeps: s.crashKeeps,
    clock,
  };
}

export const trueTime: StoreClock = { ratePpm: 1_000_000, lateMicros: 0, atMicros: 0, localMicros: 0 };

/** A store's clock as a whole state holds it: what it shows then, and by the settings how it runs. */
export function clockOf(s: StoreState, clocks: readonly PbStoreClock[], timeMicros: number): StoreClock {
  const clock = clocks.find((c) => c.storeId === s.id)?.clock;
  return {
    // 0 is true time, too.
    ratePpm: clock?.ratePpm || trueTime.ratePpm,
    lateMicros: Number(clock?.lateMicros ?? 0n),
    atMicros: timeMicros,
    // A source that knows of no clocks says 0.
    localMicros: Number(s.localMicros) || timeMicros,
  };
}

/** A store's clock from the moment at which it was set. */
export function clockSetOf(set: ClockSet, timeMicros: number): StoreClock {
  return {
    ratePpm: set.clock?.ratePpm || trueTime.ratePpm,
    lateMicros: Number(set.clock?.lateMicros ?? 0n),
    atMicros: timeMicros,
    localMicros: Number(set.localMicros),
  };
}

export function regionOf(r: PbRegion | undefined): Region {
  return {
    id: Number(r?.id ?? 0n),
    start: r?.startKey ?? none,
    end: r?.endKey ?? none,
    confVer: Number(r?.regionEpoch?.confVer ?? 0n),
    version: Number(r?.regionEpoch?.version ?? 0n),
    members: (r?.peers ?? [])
      .map((m) => ({
        peerId: Number(m.id),
        storeId: Number(m.storeId),
        role: m.role === PeerRole.UNSPECIFIED ? PeerRole.VOTER : m.role,
      }))
      .sort((a, b) => a.storeId - b.storeId),
  };
}

const none = new Uint8Array();

export function transferOf(t: SnapshotProgress, from: number): SnapshotTransfer {
  return {
    id: Number(t.snapshotId),
    regionId: Number(t.regionId),
    from,
    to: Number(t.toStore),
    index: Number(t.index),
    term: Number(t.term),
    bytesDone: Number(t.bytesDone),
    bytesTotal: Number(t.bytesTotal),
  };
}

export function peerOf(p: PeerState, storeId: number, peerStores: ReadonlyMap<number, number>): Peer {
  const store = (id: bigint) => peerStores.get(Number(id)) ?? 0;
  return {
    regionId: Number(p.region?.id ?? 0n),
    region: regionOf(p.region),
    uninitialized: p.uninitialized,
    peerId: Number(p.peerId),
    storeId,
    role: p.role === Role.UNSPECIFIED ? Role.FOLLOWER : p.role,
    term: Number(p.term),
    vote: store(p.vote),
    leader: store(p.leader),
    commit: Number(p.commit),
    applied: Number(p.applied),
    firstIndex: Number(p.firstIndex),
    lastIndex: Number(p.lastIndex),
    syncedIndex: Number(p.syncedIndex),
    entries: p.entries.map(entryOf),
    timer: p.timer ? timerOf(p.timer) : { elapsedTicks: 0, timeoutTicks: 0 },
    votes: p.votes.map(store).sort((a, b) => a - b),
    progress: mergeProgress([], p.progress, peerStores),
    keys: p.keys.map(keyOf).sort((a, b) => compareBytes(a.keyBytes, b.keyBytes)),
    keysTotal: Number(p.keysTotal),
    transferTo: 0,
  };
}

export function mergeProgress(
  known: readonly Progress[],
  changed: readonly PeerProgress[],
  peerStores: ReadonlyMap<number, number>,
): readonly Progress[] {
  const merged = new Map(known.map((p) => [p.peerId, p]));
  for (const progress of changed) merged.set(Number(progress.peerId), progressOf(progress, peerStores));
  return [...merged.values()].sort((a, b) => a.storeId - b.storeId);
}
