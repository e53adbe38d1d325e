/** How a store stands on the stage: its role in the region that is shown, in words and in parts of its ring. */
import { halfOf, isJoint, majorities, memberOn, standingOf, type Standing } from "../../model/members";
import type { Peer, Region, SnapshotTransfer, Store } from "../../model/state";
import { roleWords, standingWords, storeName } from "../../model/words";
import { halfWords, transferWords, votesWords } from "./tips";

export interface StoreLook {
  readonly role: Standing;
  readonly word: string;
  /** In few words where there is room for few. */
  readonly shortWord: string;
  /** Where one line is too long for the circle. */
  readonly twoLines: readonly [string, string] | null;
  /** null without a peer that has one. */
  readonly term: number | null;
  /** It stands for election, or asks whether it could. */
  readonly standing: boolean;
  /** Votes that it needs and has; 0 where two majorities are needed. */
  readonly quorum: number;
  readonly votes: number;
  /** Of a joint configuration: "old", "new" or "both"; else empty. */
  readonly half: string;
  /** Stands above the circle: its votes, its half, a snapshot on its way. */
  readonly above: readonly string[];
  /** How full the election timer is, 0 to 1. */
  readonly filled: number;
  /** How much of a snapshot it has, 0 to 1; null when none is on its way. */
  readonly received: number | null;
}

export function storeLook(
  store: Store,
  peer: Peer | undefined,
  regionId: number,
  region: Region | undefined,
  snapshot: SnapshotTransfer | undefined,
): StoreLook {
  const role = standingOf(store, peer);
  const standing = role === "candidate" || role === "pre-candidate";
  const halves = peer ? majorities(peer.region, peer.votes) : [];
  const [only] = halves.length === 1 ? halves : [];
  const member = region && isJoint(region) ? memberOn(region, store.id) : undefined;
  const word = wordOf(store, peer, role, regionId);
  return {
    role,
    word,
    shortWord: shortWordOf(store, role, word, snapshot),
    twoLines: role === "none" ? ["no peer of", `region ${regionId}`] : role === "waiting" ? ["waits for", "a snapshot"] : null,
    term: peer && !peer.uninitialized ? peer.term : null,
    standing,
    quorum: only?.needed ?? 0,
    votes: only?.got.length ?? 0,
    half: member ? halfOf(member.role).replace("none", "") : "",
    above: [
      ...(standing ? [votesWords(halves, role === "pre-candidate")] : []),
      ...(peer && peer.transferTo > 0 ? [`hands over to ${storeName(peer.transferTo)}`] : []),
      ...(member ? [halfWords(halfOf(member.role))].filter((w) => w !== "") : []),
      ...(snapshot ? [transferWords(snapshot)] : []),
    ],
    filled: filledOf(store, peer, role),
    received: snapshot ? (snapshot.bytesTotal > 0 ? Math.min(1, snapshot.bytesDone / snapshot.bytesTotal) : 0) : null,
  };
}

function wordOf(store: Store, peer: Peer | undefined, role: Standing, regionId: number): string {
  if (!store.up && store.stoppedReason) return "stopped";
  return peer && role !== "down" && role !== "learner" && role !== "waiting" ? roleWords(peer.role) : standingWords(role, regionId);
}

function shortWordOf(store: Store, role: Standing, word: string, snapshot: SnapshotTransfer | undefined): string {
  if (snapshot && snapshot.bytesTotal > 0) return `snapshot ${Math.floor((100 * snapshot.bytesDone) / snapshot.bytesTotal)} %`;
  if (store.paused) return "paused";
  return role === "none" ? "no peer" : role === "waiting" ? "needs snapshot" : word;
}

function filledOf(store: Store, peer: Peer | undefined, role: Standing): number {
  if (!peer || !store.up || role === "waiting" || role === "learner") return 0;
  if (role === "leader") return 1;
  return peer.timer.timeoutTicks > 0 ? Math.min(1, peer.timer.elapsedTicks / peer.timer.timeoutTicks) : 0;
}
