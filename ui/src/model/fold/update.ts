/** Immutable updates: new values, that share what did not change. */
import type { Cluster, Peer, Store } from "../state";

export function withStore(cluster: Cluster, id: number, change: (store: Store) => Store): Cluster {
  const at = cluster.stores.findIndex((s) => s.id === id);
  if (at < 0) return cluster;
  const store = change(cluster.stores[at]);
  return store === cluster.stores[at] ? cluster : { ...cluster, stores: replaced(cluster.stores, at, store) };
}

export function withPeer(cluster: Cluster, storeId: number, regionId: bigint, change: (peer: Peer) => Peer): Cluster {
  return withStore(cluster, storeId, (store) => {
    const at = store.peers.findIndex((p) => p.regionId === Number(regionId));
    if (at < 0) return store;
    const peer = change(store.peers[at]);
    return peer === store.peers[at] ? store : { ...store, peers: replaced(store.peers, at, peer) };
  });
}

export function replaced<T>(list: readonly T[], at: number, item: T): readonly T[] {
  const copy = list.slice();
  copy[at] = item;
  return copy;
}
