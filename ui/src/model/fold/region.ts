/** What happens to regions: peers come and go, members and ranges change, logs are cut, snapshots travel. */
import type { Region as PbRegion } from "../../pb/metapb/v1/metapb_pb";
import {
  PeerOrigin,
  RegionChangeReason,
  SnapshotStage,
  type Event,
  type PeerCreated,
  type PeerState,
  type RegionChanged,
  type SnapshotProgress,
  type StoreState,
} from "../../pb/sessionpb/v1/event_pb";
import type { Cluster, Store } from "../state";
import { compacted, keysBefore } from "./log";
import { replaced, withPeer, withStore } from "./update";
import { peerOf, regionOf, transferOf } from "./wire";

type Cases =
  | "peerCreated"
  | "peerDestroyed"
  | "regionChanged"
  | "logCompacted"
  | "snapshotProgress"
  | "snapshotRestored"
  | "transferStarted";

export function foldRegion(cluster: Cluster, storeId: number, body: Extract<Event["body"], { case: Cases }>): Cluster {
  switch (body.case) {
    case "peerCreated":
      return created(cluster, storeId, body.value);
    case "peerDestroyed": {
      const regionId = Number(body.value.regionId);
      return withStore(cluster, storeId, (store) => ({
        ...store,
        peers: store.peers.filter((p) => p.regionId !== regionId),
        snapshots: store.snapshots.filter((s) => s.regionId !== regionId),
      }));
    }
    case "regionChanged":
      return changed(cluster, storeId, body.value);
    case "logCompacted":
      return withPeer(cluster, storeId, body.value.regionId, (peer) => compacted(peer, Number(body.value.firstIndex)));
    case "snapshotProgress":
      return withStore(cluster, storeId, (store) => sending(store, body.value));
    case "snapshotRestored":
      return body.value.peer ? withPeerState(cluster, storeId, body.value.peer) : cluster;
    case "transferStarted":
      // Its timer starts anew: the transfer has so long to end well.
      return withPeer(cluster, storeId, body.value.regionId, (peer) => ({
        ...peer,
        transferTo: Number(body.value.toStore),
        timer: { ...peer.timer, elapsedTicks: 0 },
      }));
  }
}

function created(cluster: Cluster, storeId: number, event: PeerCreated): Cluster {
  if (!event.peer) return cluster;
  const next = withPeerState(cluster, storeId, event.peer);
  if (event.origin !== PeerOrigin.SPLIT) return next;
  const taken = Number(event.peer.keysTotal);
  return withPeer(next, storeId, event.parentRegionId, (parent) =>
    parent.keysTotal > parent.keys.length
      ? { ...parent, keysTotal: Math.max(parent.keys.length, parent.keysTotal - taken) }
      : parent,
  );
}

function changed(cluster: Cluster, storeId: number, event: RegionChanged): Cluster {
  if (!event.region) return cluster;
  const region = regionOf(event.region);
  const peerStores = withMembers(cluster.peerStores, [event.region]);
  const members = new Set(region.members.map((m) => m.peerId));
  return withPeer({ ...cluster, peerStores }, storeId, event.region.id, (peer) => ({
    ...peer,
    region,
    progress: peer.progress
      .filter((p) => members.has(p.peerId))
      .map((p) => (p.storeId > 0 ? p : { ...p, storeId: peerStores.get(p.peerId) ?? 0 })),
    ...(event.reason === RegionChangeReason.SPLIT && region.end.length > 0 ? keysBefore(peer, region.end) : {}),
  }));
}

function sending(store: Store, event: SnapshotProgress): Store {
  const transfer = transferOf(event, store.id);
  const others = store.snapshots.filter((s) => s.id !== transfer.id);
  if (event.stage === SnapshotStage.DONE || event.stage === SnapshotStage.FAILED) return { ...store, snapshots: others };
  const at = store.snapshots.findIndex((s) => s.id === transfer.id);
  return { ...store, snapshots: at < 0 ? [...others, transfer] : replaced(store.snapshots, at, transfer) };
}

function withPeerState(cluster: Cluster, storeId: number, state: PeerState): Cluster {
  const peerStores = withMembers(cluster.peerStores, state.region ? [state.region] : [], [[state.peerId, storeId]]);
  const peer = peerOf(state, storeId, peerStores);
  return withStore({ ...cluster, peerStores }, storeId, (store) => ({
    ...store,
    peers: [...store.peers.filter((p) => p.regionId !== peer.regionId), peer].sort((a, b) => a.regionId - b.regionId),
  }));
}

/** Which store holds a peer, as some stores' states tell. */
export function whereabouts(known: ReadonlyMap<number, number>, states: readonly StoreState[]): ReadonlyMap<number, number> {
  let all = known;
  for (const state of states) {
    for (const peer of state.peers) {
      all = withMembers(all, peer.region ? [peer.region] : [], [[peer.peerId, Number(state.id)]]);
    }
  }
  return all;
}

/** The same map when nothing in it is new. */
function withMembers(
  known: ReadonlyMap<number, number>,
  regions: readonly PbRegion[],
  more: readonly (readonly [peerId: bigint, storeId: number])[] = [],
): ReadonlyMap<number, number> {
  const found = [...more.map(([id, store]) => [Number(id), store] as const)];
  for (const region of regions) for (const m of region.peers) found.push([Number(m.id), Number(m.storeId)]);
  const fresh = found.filter(([id, store]) => id > 0 && store > 0 && known.get(id) !== store);
  return fresh.length === 0 ? known : new Map([...known, ...fresh]);
}
