/** The fold: (cluster, event) → cluster. Pure; every view of the page is made of its result. */
import type { PeerProgress } from "../pb/raftcmdpb/v1/raftcmdpb_pb";
import type {
  Event,
  Keyframe,
  LogEntry,
  Message as PbMessage,
  Operation as PbOperation,
  KeyChange,
  PeerState,
  PeerTimer,
  RoleChanged,
  StoreState,
  Violation as PbViolation,
  WriteStarted,
} from "../pb/sessionpb/v1/event_pb";
import { MessageType, Role } from "../pb/sessionpb/v1/event_pb";
import type { Config } from "../pb/sessionpb/v1/run_pb";
import { PeerRole } from "../pb/metapb/v1/metapb_pb";
import type {
  Cluster,
  Entry,
  KeyRecord,
  LostMessage,
  Message,
  Operation,
  Peer,
  Progress,
  Store,
  Timer,
  Violation,
  Write,
} from "./state";
import { bytesText } from "./text";
import { entryWords } from "./words";

export const lostMax = 32;
export const operationsMax = 200;
export const violationsMax = 100;
export const entriesMax = 1000;
export const keysMax = 1000;

/** The whole state that a keyframe holds. */
export function fromKeyframe(keyframe: Keyframe): Cluster {
  return withStores(
    {
      seq: Number(keyframe.seq),
      timeMicros: Number(keyframe.timeMicros),
      config: keyframe.config ?? null,
      stores: [],
      messages: keyframe.messages.map(messageOf),
      lost: [],
      operations: keyframe.operations.map(operationOf),
      violations: [],
      peerStores: new Map(),
    },
    keyframe.stores,
  );
}

/** The cluster just after an event. */
export function fold(cluster: Cluster, event: Event): Cluster {
  const next = foldBody(cluster, event);
  return { ...next, seq: Number(event.seq), timeMicros: Number(event.timeMicros) };
}

function foldBody(cluster: Cluster, event: Event): Cluster {
  const body = event.body;
  const storeId = Number(event.storeId);
  const timeMicros = Number(event.timeMicros);
  switch (body.case) {
    case "runStarted":
      return withStores(
        { ...cluster, config: body.value.config ?? null, messages: [], lost: [], operations: [], violations: [] },
        body.value.stores,
      );
    case "ticked":
      return withStore(cluster, storeId, (store) => withTimers(store, body.value.timers));
    case "messageSent":
      return body.value.message
        ? { ...cluster, messages: [...cluster.messages, messageOf(body.value.message)] }
        : cluster;
    case "messageDelivered":
      return delivered(cluster, Number(body.value.id));
    case "messageLost": {
      const id = Number(body.value.id);
      const message = cluster.messages.find((m) => m.id === id);
      if (!message) return cluster;
      const lost: LostMessage = {
        message,
        reason: body.value.reason,
        why: body.value.why,
        timeMicros,
        seq: Number(event.seq),
      };
      return {
        ...cluster,
        messages: cluster.messages.filter((m) => m !== message),
        lost: [...cluster.lost.slice(1 - lostMax), lost],
      };
    }
    case "roleChanged":
      return withPeer(cluster, storeId, body.value.regionId, (peer) => turned(cluster, peer, body.value));
    case "writeStarted":
      return withStore(cluster, storeId, (store) => writing(store, body.value, timeMicros));
    case "written":
      return withStore(cluster, storeId, (store) => written(store, Number(body.value.writeId)));
    case "synced":
      return withStore(cluster, storeId, (store) => synced(store, Number(body.value.writeId)));
    case "committed":
      return withPeer(cluster, storeId, body.value.regionId, (peer) => ({
        ...peer,
        commit: Number(body.value.index),
      }));
    case "applied":
      return withPeer(cluster, storeId, body.value.regionId, (peer) => {
        const applied = { ...peer, applied: Number(body.value.index) };
        if (body.value.changes.length === 0) return applied;
        return { ...applied, ...withChanges(peer.keys, peer.keysTotal, body.value.changes) };
      });
    case "progressChanged":
      return withPeer(cluster, storeId, body.value.regionId, (peer) => ({
        ...peer,
        progress: mergeProgress(peer.progress, body.value.progress, cluster.peerStores),
      }));
    case "operationStarted":
      return body.value.operation
        ? {
            ...cluster,
            operations: [...cluster.operations.slice(1 - operationsMax), operationOf(body.value.operation)],
          }
        : cluster;
    case "operationEnded": {
      const id = Number(body.value.id);
      const at = cluster.operations.findLastIndex((o) => o.id === id);
      if (at < 0) return cluster;
      const ended = { ...cluster.operations[at], response: body.value.response ?? null, endedMicros: timeMicros };
      return { ...cluster, operations: replaced(cluster.operations, at, ended) };
    }
    case "storeStopped":
    case "storeCrashed": {
      // What is left is what the disk holds.
      const state = body.value.store;
      return withStore(cluster, storeId, (store) =>
        state ? storeOf(state, cluster.peerStores) : { ...store, up: false, writes: [] },
      );
    }
    case "storeStarted": {
      const state = body.value.store;
      if (!state) return cluster;
      return withStore(cluster, storeId, () => storeOf(state, cluster.peerStores));
    }
    case "electionTimeoutSet": {
      const timer = body.value.timer;
      return timer ? withStore(cluster, storeId, (store) => withTimers(store, [timer])) : cluster;
    }
    case "settingsChanged": {
      if (!cluster.config) return cluster;
      const config: Config = {
        ...cluster.config,
        network: body.value.network ?? cluster.config.network,
        disk: body.value.disk ?? cluster.config.disk,
      };
      return { ...cluster, config };
    }
    case "violation":
      return {
        ...cluster,
        violations: [...cluster.violations.slice(1 - violationsMax), violationOf(event, body.value)],
      };
    default:
      return cluster;
  }
}

// Parts of the fold.

/** A delivered vote counts for the (pre-)candidate it reaches. */
function delivered(cluster: Cluster, id: number): Cluster {
  const message = cluster.messages.find((m) => m.id === id);
  if (!message) return cluster;
  const next = { ...cluster, messages: cluster.messages.filter((m) => m !== message) };
  const isVote = message.type === MessageType.VOTE_RESPONSE;
  const isPreVote = message.type === MessageType.PRE_VOTE_RESPONSE;
  if ((!isVote && !isPreVote) || message.reject) return next;
  return withPeer(next, message.to, BigInt(message.regionId), (peer) => {
    // A granted pre-vote carries the term of the election to come.
    const counts = isVote
      ? peer.role === Role.CANDIDATE && message.term === peer.term
      : peer.role === Role.PRE_CANDIDATE && message.term === peer.term + 1;
    if (!counts || peer.votes.includes(message.from)) return peer;
    return { ...peer, votes: [...peer.votes, message.from].sort((a, b) => a - b) };
  });
}

function turned(cluster: Cluster, peer: Peer, change: RoleChanged): Peer {
  const store = (id: bigint) => cluster.peerStores.get(Number(id)) ?? 0;
  const role = change.role;
  let votes: readonly number[] = [];
  if (role === Role.LEADER) {
    votes = change.votes.map(store).sort((a, b) => a - b);
    if (votes.length === 0) votes = peer.role === Role.LEADER ? peer.votes : [peer.storeId];
  } else if (role === Role.CANDIDATE || role === Role.PRE_CANDIDATE) {
    votes = role === peer.role && Number(change.term) === peer.term ? peer.votes : [peer.storeId];
  }
  return {
    ...peer,
    role,
    term: Number(change.term),
    vote: store(change.vote),
    leader: store(change.leader),
    votes,
    progress: role === Role.LEADER ? peer.progress : [],
    timer: change.timer ? timerOf(change.timer) : peer.timer,
  };
}

function writing(store: Store, started: WriteStarted, timeMicros: number): Store {
  let peers = store.peers;
  for (const part of started.peers) {
    if (part.entries.length === 0) continue;
    const at = peers.findIndex((p) => p.regionId === Number(part.regionId));
    if (at >= 0) peers = replaced(peers, at, withEntries(peers[at], Number(part.firstIndex), part.entries));
  }
  return { ...store, peers, writes: [...store.writes, writeOf(started, timeMicros)] };
}

function withEntries(peer: Peer, firstIndex: number, added: readonly LogEntry[]): Peer {
  const last = firstIndex + added.length - 1;
  const keptFrom = Math.max(0, peer.entries.length + added.length - entriesMax);
  const keep = peer.entries.length - (peer.lastIndex - (firstIndex - 1));
  const kept = keep > 0 ? peer.entries.slice(Math.min(keptFrom, keep), keep) : [];
  const entries = kept as Entry[];
  for (const entry of added) entries.push(entryOf(entry));
  return { ...peer, entries, lastIndex: last, syncedIndex: Math.min(peer.syncedIndex, firstIndex - 1) };
}

function written(store: Store, writeId: number): Store {
  const at = store.writes.findIndex((w) => w.id === writeId);
  if (at < 0) return store;
  const write = store.writes[at];
  // A write that nothing waits for is finished now, although only the next sync makes it durable.
  if (!write.mustSync && write.syncedDueMicros === 0) {
    return { ...store, writes: store.writes.filter((w) => w !== write) };
  }
  return { ...store, writes: replaced(store.writes, at, { ...write, written: true }) };
}

/** Everything up to the write is durable; what is still being written may replace some of it. */
function synced(store: Store, writeId: number): Store {
  const finished = store.writes.filter((w) => w.id <= writeId);
  const waiting = store.writes.filter((w) => w.id > writeId);
  const peers = store.peers.map((peer) => {
    let index = peer.syncedIndex;
    for (const write of finished) {
      for (const log of write.logs) if (log.regionId === peer.regionId) index = log.lastIndex;
    }
    for (const write of waiting) {
      for (const log of write.logs) {
        if (log.regionId === peer.regionId && log.firstIndex > 0) index = Math.min(index, log.firstIndex - 1);
      }
    }
    return index === peer.syncedIndex ? peer : { ...peer, syncedIndex: index };
  });
  return { ...store, peers, writes: waiting };
}

function withTimers(store: Store, timers: readonly PeerTimer[]): Store {
  let peers = store.peers;
  for (const timer of timers) {
    const at = peers.findIndex((p) => p.regionId === Number(timer.regionId));
    if (at >= 0) peers = replaced(peers, at, { ...peers[at], timer: timerOf(timer) });
  }
  return { ...store, peers };
}

function mergeProgress(
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

function withChanges(known: readonly KeyRecord[], knownTotal: number, changes: readonly KeyChange[]) {
  const keys = known.slice();
  let keysTotal = knownTotal;
  for (const change of changes) {
    const record = keyOf(change);
    let at = keys.findIndex((k) => k.key >= record.key);
    if (at < 0) at = keys.length;
    const found = keys[at]?.key === record.key;
    if (change.deleted) {
      if (found) {
        keys.splice(at, 1);
        keysTotal--;
      }
    } else if (found) {
      keys[at] = record;
    } else {
      keys.splice(at, 0, record);
      keysTotal++;
    }
  }
  return { keys: keys.length > keysMax ? keys.slice(0, keysMax) : keys, keysTotal };
}

// From the wire.

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

function operationOf(o: PbOperation): Operation {
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

function violationOf(event: Event, v: PbViolation): Violation {
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

function timerOf(t: PeerTimer): Timer {
  return { elapsedTicks: t.elapsedTicks, timeoutTicks: t.timeoutTicks };
}

function entryOf(e: LogEntry): Entry {
  return { index: Number(e.index), term: Number(e.term), type: e.type, words: entryWords(e), sizeBytes: e.sizeBytes };
}

function keyOf(change: KeyChange): KeyRecord {
  return {
    key: bytesText(change.key),
    value: bytesText(change.value),
    valueSizeBytes: change.valueSizeBytes,
    revision: Number(change.revision),
  };
}

function writeOf(w: WriteStarted, startedMicros: number): Write {
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

function progressOf(p: PeerProgress, peerStores: ReadonlyMap<number, number>): Progress {
  return {
    storeId: peerStores.get(Number(p.peerId)) ?? 0,
    match: Number(p.match),
    next: Number(p.next),
    state: p.state,
    recentActive: p.recentActive,
  };
}

function storeOf(s: StoreState, peerStores: ReadonlyMap<number, number>): Store {
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

function peerOf(p: PeerState, storeId: number, peerStores: ReadonlyMap<number, number>): Peer {
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

// Immutable updates.

function withStores(cluster: Cluster, states: readonly StoreState[]): Cluster {
  const peerStores = new Map<number, number>();
  for (const state of states) {
    for (const peer of state.peers) {
      peerStores.set(Number(peer.peerId), Number(state.id));
      for (const member of peer.region?.peers ?? []) peerStores.set(Number(member.id), Number(member.storeId));
    }
  }
  const stores = states.map((s) => storeOf(s, peerStores)).sort((a, b) => a.id - b.id);
  return { ...cluster, stores, peerStores };
}

function withStore(cluster: Cluster, id: number, change: (store: Store) => Store): Cluster {
  const at = cluster.stores.findIndex((s) => s.id === id);
  if (at < 0) return cluster;
  const store = change(cluster.stores[at]);
  return store === cluster.stores[at] ? cluster : { ...cluster, stores: replaced(cluster.stores, at, store) };
}

function withPeer(cluster: Cluster, storeId: number, regionId: bigint, change: (peer: Peer) => Peer): Cluster {
  return withStore(cluster, storeId, (store) => {
    const at = store.peers.findIndex((p) => p.regionId === Number(regionId));
    if (at < 0) return store;
    const peer = change(store.peers[at]);
    return peer === store.peers[at] ? store : { ...store, peers: replaced(store.peers, at, peer) };
  });
}

function replaced<T>(list: readonly T[], at: number, item: T): readonly T[] {
  const copy = list.slice();
  copy[at] = item;
  return copy;
}
