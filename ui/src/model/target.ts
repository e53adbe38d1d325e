/** Where a command goes: the region its key is in, and that region's leader. */
import { leaderOf, regionOfKey, type RegionView } from "./regions";
import type { RaftCommandRequest } from "../pb/raftcmdpb/v1/raftcmdpb_pb";
import type { Cluster } from "./state";

export interface Target {
  readonly regionId: number;
  /** 0: nobody to send it to. */
  readonly storeId: number;
}

/** asked: the region a person named, or 0; selected: the one that is shown; preferred: the store to ask when none leads. */
export function targetOf(
  cluster: Cluster,
  regions: readonly RegionView[],
  request: RaftCommandRequest | null,
  asked: number,
  selected: number,
  preferred = 0,
): Target {
  const key = request ? firstKey(request) : null;
  const holder = key ? regionOfKey(regions, key) : undefined;
  const regionId = asked || (holder?.id ?? selected);
  return { regionId, storeId: storeFor(cluster, regionId, preferred) };
}

function storeFor(cluster: Cluster, regionId: number, preferred: number): number {
  const leader = leaderOf(cluster, regionId);
  if (leader) return leader.storeId;
  if (preferred > 0) return preferred;
  const members = cluster.stores.filter((s) => s.peers.some((p) => p.regionId === regionId));
  return (members.find((s) => s.up) ?? members[0] ?? cluster.stores[0])?.id ?? 0;
}

/** The key that tells which region a command is for; null when it names none. */
function firstKey(request: RaftCommandRequest): Uint8Array | null {
  const [first] = request.requests;
  const r = first?.request;
  switch (r?.case) {
    case "scan":
      return r.value.startKey;
    case "get":
    case "seek":
    case "put":
    case "delete":
      return r.value.key;
    default:
      return request.admin?.request.case === "split" ? request.admin.request.value.splitKey : null;
  }
}
