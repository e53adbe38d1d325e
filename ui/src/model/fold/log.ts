/** What a store's disk does to its logs, and what entries do to its keys. */
import type { KeyChange, LogEntry, WriteStarted } from "../../pb/sessionpb/v1/event_pb";
import type { Entry, KeyRecord, Peer, Store } from "../state";
import { compareBytes } from "../text";
import { replaced } from "./update";
import { entryOf, keyOf, writeOf } from "./wire";

export const entriesMax = 1000;
export const keysMax = 1000;

export function writing(store: Store, started: WriteStarted, timeMicros: number): Store {
  let peers = store.peers;
  for (const part of started.peers) {
    if (part.entries.length === 0) continue;
    const at = peers.findIndex((p) => p.regionId === Number(part.regionId));
    if (at >= 0) peers = replaced(peers, at, withEntries(peers[at], Number(part.firstIndex), part.entries));
  }
  return { ...store, peers, writes: [...store.writes, writeOf(started, timeMicros)] };
}

export function withEntries(peer: Peer, firstIndex: number, added: readonly LogEntry[]): Peer {
  const last = firstIndex + added.length - 1;
  const keptFrom = Math.max(0, peer.entries.length + added.length - entriesMax);
  const keep = peer.entries.length - (peer.lastIndex - (firstIndex - 1));
  const kept = keep > 0 ? peer.entries.slice(Math.min(keptFrom, keep), keep) : [];
  const entries = kept as Entry[];
  for (const entry of added) entries.push(entryOf(entry));
  return { ...peer, entries, lastIndex: last, syncedIndex: Math.min(peer.syncedIndex, firstIndex - 1) };
}

export function written(store: Store, writeId: number): Store {
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
export function synced(store: Store, writeId: number): Store {
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

export function withChanges(known: readonly KeyRecord[], knownTotal: number, changes: readonly KeyChange[]) {
  const keys = known.slice();
  let keysTotal = knownTotal;
  for (const change of changes) {
    const record = keyOf(change);
    const at = placeOf(keys, record.keyBytes);
    const found = at < keys.length && compareBytes(keys[at].keyBytes, record.keyBytes) === 0;
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

/** Where a key stands, or would: the first one that is not smaller. */
function placeOf(keys: readonly KeyRecord[], key: Uint8Array): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareBytes(keys[middle].keyBytes, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What is left of a peer's keys when its region ends at a key: those beyond it are another region's now. */
export function keysBefore(peer: Peer, end: Uint8Array): { keys: readonly KeyRecord[]; keysTotal: number } {
  const at = placeOf(peer.keys, end);
  // Keys past those held are counted off when the other region tells how many it has.
  if (at === peer.keys.length) return { keys: peer.keys, keysTotal: peer.keysTotal };
  return { keys: peer.keys.slice(0, at), keysTotal: at };
}

/** The log begins at an entry now. */
export function compacted(peer: Peer, firstIndex: number): Peer {
  const gone = peer.entries.length - (peer.lastIndex - (firstIndex - 1));
  return { ...peer, firstIndex, entries: gone > 0 ? peer.entries.slice(gone) : peer.entries };
}
