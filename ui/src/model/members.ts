/** Who decides in a region. In a joint configuration both halves do, each with a majority of its own. */
import { PeerRole } from "../pb/metapb/v1/metapb_pb";
import { Role } from "../pb/sessionpb/v1/event_pb";
import type { Member, Peer, Region, Store } from "./state";

export function isJoint(region: Region): boolean {
  return region.members.some(
    (m) => m.role === PeerRole.INCOMING_VOTER || m.role === PeerRole.DEMOTING_VOTER || m.role === PeerRole.LEAVING_VOTER,
  );
}

/** Stores that hold a voter of the configuration, or of a joint one's new half. */
export function voters(region: Region): readonly number[] {
  return region.members.filter((m) => m.role === PeerRole.VOTER || m.role === PeerRole.INCOMING_VOTER).map((m) => m.storeId);
}

/** Stores that hold a voter of a joint configuration's old half; empty when it is not joint. */
export function votersOld(region: Region): readonly number[] {
  if (!isJoint(region)) return [];
  return region.members.filter((m) => m.role !== PeerRole.LEARNER && m.role !== PeerRole.INCOMING_VOTER).map((m) => m.storeId);
}

/** Of either half. */
export function votersAll(region: Region): readonly number[] {
  return region.members.filter((m) => m.role !== PeerRole.LEARNER).map((m) => m.storeId);
}

export function learners(region: Region): readonly number[] {
  return region.members.filter((m) => m.role === PeerRole.LEARNER).map((m) => m.storeId);
}

export function memberOn(region: Region, storeId: number): Member | undefined {
  return region.members.find((m) => m.storeId === storeId);
}

/** Where a store stands in a joint configuration. */
export type Half = "old" | "new" | "both" | "none";

export function halfOf(role: PeerRole): Half {
  switch (role) {
    case PeerRole.VOTER:
      return "both";
    case PeerRole.INCOMING_VOTER:
      return "new";
    case PeerRole.DEMOTING_VOTER:
    case PeerRole.LEAVING_VOTER:
      return "old";
    default:
      return "none";
  }
}

export function quorum(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** A majority that has to agree, and how many of it some stores make. */
export interface Majority {
  readonly half: "only" | "old" | "new";
  readonly stores: readonly number[];
  readonly needed: number;
  readonly got: readonly number[];
}

/** One majority, or a joint configuration's two, old half first. */
export function majorities(region: Region, agreed: readonly number[]): readonly Majority[] {
  const of = (half: Majority["half"], stores: readonly number[]): Majority => ({
    half,
    stores,
    needed: quorum(stores.length),
    got: stores.filter((s) => agreed.includes(s)),
  });
  const now = voters(region);
  return isJoint(region) ? [of("old", votersOld(region)), of("new", now)] : [of("only", now)];
}

export function decided(all: readonly Majority[]): boolean {
  return all.every((m) => m.stores.length > 0 && m.got.length >= m.needed);
}

/** What a store is to a region, in one word. */
export type Standing = "leader" | "candidate" | "pre-candidate" | "follower" | "learner" | "waiting" | "none" | "down";

export function standingOf(store: Store, peer: Peer | undefined): Standing {
  if (!store.up) return "down";
  if (!peer) return "none";
  if (peer.uninitialized) return "waiting";
  switch (peer.role) {
    case Role.LEADER:
      return "leader";
    case Role.CANDIDATE:
      return "candidate";
    case Role.PRE_CANDIDATE:
      return "pre-candidate";
    default:
      return isLearner(peer) ? "learner" : "follower";
  }
}

export function isLearner(peer: Peer): boolean {
  return memberOn(peer.region, peer.storeId)?.role === PeerRole.LEARNER;
}
