/** The regions of a cluster, each as those who know best tell it, in the order of their keys. */
import { Role } from "../pb/sessionpb/v1/event_pb";
import type { Cluster, Message, Peer, Region, SnapshotTransfer, Store } from "./state";
import { bytesText, compareBytes } from "./text";

export interface RegionView {
  readonly id: number;
  /** As its leader has it, or else whoever has the highest epoch. */
  readonly region: Region;
  readonly leader: Peer | undefined;
}

export function peerOf(store: Store | undefined, regionId: number): Peer | undefined {
  return store?.peers.find((p) => p.regionId === regionId);
}

/** The leader with the highest term that is up, as its own state says. */
export function leaderOf(cluster: Cluster, regionId: number): Peer | undefined {
  let leader: Peer | undefined;
  for (const store of cluster.stores) {
    const peer = peerOf(store, regionId);
    if (store.up && peer?.role === Role.LEADER && (!leader || peer.term > leader.term)) leader = peer;
  }
  return leader;
}

export function regionsOf(cluster: Cluster): readonly RegionView[] {
  const found = new Map<number, { best: Peer; leader: Peer | undefined }>();
  for (const store of cluster.stores) {
    for (const peer of store.peers) {
      if (peer.uninitialized) continue;
      const leads = store.up && peer.role === Role.LEADER;
      const known = found.get(peer.regionId);
      if (!known) {
        found.set(peer.regionId, { best: peer, leader: leads ? peer : undefined });
        continue;
      }
      if (newer(peer.region, known.best.region)) known.best = peer;
      if (leads && (!known.leader || peer.term > known.leader.term)) known.leader = peer;
    }
  }
  return [...found]
    .map(([id, { best, leader }]): RegionView => ({ id, region: (leader ?? best).region, leader }))
    .sort((a, b) => compareBytes(a.region.start, b.region.start) || a.id - b.id);
}

function newer(a: Region, b: Region): boolean {
  return a.version !== b.version ? a.version > b.version : a.confVer > b.confVer;
}

export function holds(region: Region, key: Uint8Array): boolean {
  return compareBytes(key, region.start) >= 0 && (region.end.length === 0 || compareBytes(key, region.end) < 0);
}

/** The region that holds a key. */
export function regionOfKey(regions: readonly RegionView[], key: Uint8Array): RegionView | undefined {
  return regions.find((r) => holds(r.region, key));
}

/** "all keys", "up to m", "from m on", "m to t". */
export function rangeWords(region: Pick<Region, "start" | "end">): string {
  const start = bytesText(region.start, 24);
  const end = bytesText(region.end, 24);
  if (region.start.length === 0) return region.end.length === 0 ? "all keys" : `up to ${end}`;
  return region.end.length === 0 ? `from ${start} on` : `${start} to ${end}`;
}

/** The messages of a region, and those that are about none; the same list when that is all of them. */
export function messagesOf(cluster: Cluster, regionId: number): readonly Message[] {
  const all = cluster.messages;
  const shown = (m: Message) => m.regionId === regionId || m.regionId === 0;
  return all.every(shown) ? all : all.filter(shown);
}

/** The snapshot on its way to a store's peer of a region. */
export function snapshotTo(cluster: Cluster, regionId: number, storeId: number): SnapshotTransfer | undefined {
  for (const store of cluster.stores) {
    const found = store.snapshots.findLast((s) => s.regionId === regionId && s.to === storeId);
    if (store.up && found) return found;
  }
  return undefined;
}

/** Keys and values in bytes; null when not all of them are known. */
export function sizeBytesOf(peer: Peer): number | null {
  if (peer.keysTotal > peer.keys.length) return null;
  return peer.keys.reduce((sum, k) => sum + k.keyBytes.length + k.valueSizeBytes, 0);
}
