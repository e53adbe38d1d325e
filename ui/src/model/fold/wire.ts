/** The state's values out of the wire's. */
import { PeerRole } from "../../pb/metapb/v1/metapb_pb";
import type { PeerProgress } from "../../pb/raftcmdpb/v1/raftcmdpb_pb";
import type {
  Event,
  LogEntry,
  Message as PbMessage,
  Operation as PbOperation,
  KeyChange,
  PeerState,
  PeerTimer,
  StoreState,
  Violation as PbViolation,
  WriteStarted,
} from "../../pb/sessionpb/v1/event_pb";
import { Role } from "../../pb/sessionpb/v1/event_pb";
import type { Entry, KeyRecord, Message, Operation, Peer, Progress, Store, Timer, Violation, Write } from "../state";
import { bytesText } from "../text";
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
    sizeBytes: m.sizeBytes,
    sentMicros: Number(m.sentMicros),
    dueMicros: Number(m.dueMicros),
    doomed: m.doomed,
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
  };
}

export function violationOf(event: Event, v: PbViolation): Violation {
  return {
    seq: Number(event.seq),
    timeMicros: Number(event.timeMicros),
    judge: v.judge,
    message: v.message,
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
    storeId: peerStores.get(Number(p.peerId)) ?? 0,
    match: Number(p.match),
    next: Number(p.next),
    state: p.state,
    recentActive: p.recentActive,
  };
}

export function storeOf(s: StoreState, peerStores: ReadonlyMap<number, number>): Store {
  const id = Number(s.id);
  const writtenIds = new Set(s.writtenIds.map(Number));
  return {
    id,
    up: s.up,
    stoppedReason: s.stoppedReason,
    peers: s.peers.map((p) => peerOf(p, id, peerStores)).sort((a, b) => a.regionId - b.regionId),
    writes: s.writes.map((w) => ({ ...writeOf(w, 0), written: writtenIds.has(Number(w.writeId)) })),
  };
}

export function peerOf(p: PeerState, storeId: number, peerStores: ReadonlyMap<number, number>): Peer {
  const store = (id: bigint) => peerStores.get(Number(id)) ?? 0;
  const voters = (p.region?.peers ?? [])
    .filter((m) => m.role !== PeerRole.LEARNER)
    .map((m) => Number(m.storeId))
    .sort((a, b) => a - b);
  return {
    regionId: Number(p.region?.id ?? 0n),
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
    keys: p.keys.map(keyOf).sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)),
    keysTotal: Number(p.keysTotal),
    voters,
  };
}

export function mergeProgress(
  known: readonly Progress[],
  changed: readonly PeerProgress[],
  peerStores: ReadonlyMap<number, number>,
): readonly Progress[] {
  const merged = new Map(known.map((p) => [p.storeId, p]));
  for (const progress of changed) {
    const of = progressOf(progress, peerStores);
    merged.set(of.storeId, of);
  }
  return [...merged.values()].sort((a, b) => a.storeId - b.storeId);
}
