/** Stores, roles and states by name. */
import { ProgressState } from "../../pb/raftcmdpb/v1/raftcmdpb_pb";
import { Role } from "../../pb/sessionpb/v1/event_pb";
import type { Store } from "../state";

export function storeName(id: number): string {
  return `S${id}`;
}

export function storeNames(ids: readonly number[]): string {
  return ids.map(storeName).join(", ");
}

/** "leader", "pre-candidate", …; the word that a store's item in the list of stores carries. */
export function roleWords(role: Role): string {
  switch (role) {
    case Role.LEADER:
      return "leader";
    case Role.CANDIDATE:
      return "candidate";
    case Role.PRE_CANDIDATE:
      return "pre-candidate";
    default:
      return "follower";
  }
}

/** "S3, leader, term 4" or "S3, down, term 4". */
export function storeWords(store: Store): string {
  const peer = store.peers[0];
  if (!peer) return `${storeName(store.id)}, no region`;
  return `${storeName(store.id)}, ${store.up ? roleWords(peer.role) : "down"}, term ${peer.term}`;
}

export function percentText(ppm: number): string {
  return `${Number((ppm / 10_000).toFixed(2))} %`;
}

export function progressStateWords(state: ProgressState): string {
  switch (state) {
    case ProgressState.PROBE:
      return "probe";
    case ProgressState.REPLICATE:
      return "replicate";
    case ProgressState.SNAPSHOT:
      return "snapshot";
    default:
      return "–";
  }
}
