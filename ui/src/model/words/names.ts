/** Stores, roles and states by name. */
import { PeerRole } from "../../pb/metapb/v1/metapb_pb";
import { ProgressState } from "../../pb/raftcmdpb/v1/raftcmdpb_pb";
import { Role } from "../../pb/sessionpb/v1/event_pb";
import { isJoint, learners, standingOf, voters, votersOld, type Standing } from "../members";
import { peerOf } from "../regions";
import type { Region, Store } from "../state";

export function storeName(id: number): string {
  return `S${id}`;
}

/** "Client" is a person; those that work by themselves have numbers. */
export function clientName(worker: number): string {
  return worker > 0 ? `Client ${worker}` : "Client";
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

/** What a store is to a region: "leader", "learner", "waits for a snapshot", "no peer of region 2", "down". */
export function standingWords(standing: Standing, regionId: number): string {
  switch (standing) {
    case "waiting":
      return "waits for a snapshot";
    case "none":
      return `no peer of region ${regionId}`;
    default:
      return standing;
  }
}

/** "S3, leader, term 4" or "S3, down, term 4"; "S6, no peer of region 1". */
export function storeWords(store: Store, regionId: number): string {
  const peer = peerOf(store, regionId);
  const standing = standingOf(store, peer);
  const term = peer && standing !== "waiting" ? `, term ${peer.term}` : "";
  return `${storeName(store.id)}, ${standingWords(standing, regionId)}${term}${store.paused ? ", paused" : ""}`;
}

/** What a member is allowed: "voter", "learner", "voter of the new half". */
export function memberWords(role: PeerRole): string {
  switch (role) {
    case PeerRole.LEARNER:
      return "learner";
    case PeerRole.INCOMING_VOTER:
      return "voter of the new half";
    case PeerRole.DEMOTING_VOTER:
      return "voter of the old half, then learner";
    case PeerRole.LEAVING_VOTER:
      return "voter of the old half, then gone";
    default:
      return "voter";
  }
}

/** "voters S1, S2, S3, learner S6"; of a joint configuration "old S1, S2, S3, new S1, S2, S6". */
export function membersWords(region: Region): string {
  const learning = learners(region);
  const named = (word: string, ids: readonly number[]) => `${word}${ids.length === 1 ? "" : "s"} ${storeNames(ids)}`;
  const deciding = isJoint(region)
    ? `joint: old ${storeNames(votersOld(region))}, new ${storeNames(voters(region))}`
    : named("voter", voters(region));
  return learning.length > 0 ? `${deciding}, ${named("learner", learning)}` : deciding;
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
