/** What a person can do to a region and to its members, and why not when it cannot be done now. */
import { PeerRole } from "../pb/metapb/v1/metapb_pb";
import { EntryType } from "../pb/sessionpb/v1/event_pb";
import { propose, type Action } from "./action";
import { addLearner, addVoter, changePeers, compactLog, forRegion, leaveJoint, removePeer, transferLeader } from "./admin";
import type { RaftCommandRequest } from "../pb/raftcmdpb/v1/raftcmdpb_pb";
import { isJoint, memberOn, voters } from "./members";
import { leaderOf, regionsOf } from "./regions";
import type { Cluster, Peer } from "./state";
import { storeName } from "./words/names";

export interface Deed {
  readonly name: string;
  readonly detail: string;
  readonly danger?: boolean;
  /** Why it cannot be done now; empty when it can. */
  readonly refusal: string;
  readonly action: Action | null;
  /** What to begin typing instead, when more has to be said. */
  readonly typed?: string;
  /** Opens these in place of doing anything. */
  readonly more?: readonly Deed[];
  /** Opens what asks for the rest: the settings of a link. */
  readonly asks?: { readonly kind: "link"; readonly from: number; readonly to: number };
}

/** Changes of a store's part in a region. */
export function memberDeeds(cluster: Cluster, regionId: number, storeId: number): readonly Deed[] {
  const view = regionsOf(cluster).find((r) => r.id === regionId);
  const store = cluster.stores.find((s) => s.id === storeId);
  if (!view || !store) return [];
  const leader = leaderOf(cluster, regionId);
  const member = memberOn(view.region, storeId);
  const refusal = changeRefusal(leader);
  const at = (name: string, detail: string, request: RaftCommandRequest, why = refusal, danger = false): Deed =>
    deed(name, detail, request, regionId, why, danger);
  if (!member) {
    return [
      at("Add as learner", "it gets the data, and no vote", changePeers([addLearner(storeId)])),
      at("Add as voter", "it counts for the quorum at once", changePeers([addVoter(storeId)])),
    ];
  }
  if (member.role === PeerRole.LEARNER) {
    return [
      at("Promote to voter", "from then on its copies and votes count", changePeers([addVoter(storeId)])),
      at("Remove from the region", "its log and keys go", changePeers([removePeer(storeId)]), refusal, true),
    ];
  }
  const only = voters(view.region).length === 1 && member.role === PeerRole.VOTER ? "it is the only voter" : "";
  return [
    at(
      "Transfer leadership here",
      "the leader brings it up to date and lets it stand for election",
      transferLeader(storeId),
      transferRefusal(leader, storeId, store.up),
    ),
    at("Demote to learner", "it keeps the data, its vote goes", changePeers([addLearner(storeId)]), only || refusal),
    at("Remove from the region", "its log and keys go", changePeers([removePeer(storeId)]), only || refusal, true),
  ];
}

/** What can be done to a region as a whole. */
export function regionDeeds(cluster: Cluster, regionId: number): readonly Deed[] {
  const view = regionsOf(cluster).find((r) => r.id === regionId);
  if (!view) return [];
  const leader = leaderOf(cluster, regionId);
  const leaderless = leader ? "" : noLeader;
  const left = leader && leader.firstIndex > leader.applied ? "everything applied is compacted already" : "";
  const deeds: Deed[] = [
    { name: "Split…", detail: "at a key: it and those after it become a region", refusal: leaderless, action: null, typed: "split " },
    deed("Compact the log", "drops the entries that are applied; who lags behind needs a snapshot", compactLog(), regionId, leaderless || left),
  ];
  if (isJoint(view.region)) {
    const pending = leader && changeUnderWay(leader) ? underWay : "";
    deeds.push(deed("Leave the joint configuration", "the new half alone decides from then on", leaveJoint(), regionId, leaderless || pending));
  } else {
    deeds.push({
      name: "Change several members…",
      detail: "at once, through a joint configuration",
      refusal: changeRefusal(leader),
      action: null,
      typed: "change add ",
    });
  }
  return deeds;
}

const noLeader = "there is no leader now";
const underWay = "a change of members is under way";

function deed(name: string, detail: string, request: RaftCommandRequest, regionId: number, refusal: string, danger = false): Deed {
  // Store 0 is the region's leader, whoever that is when the command gets there.
  return { name, detail, refusal, danger, action: refusal ? null : propose(0, forRegion(request, regionId)) };
}

function changeRefusal(leader: Peer | undefined): string {
  if (!leader) return noLeader;
  if (leader.transferTo > 0) return handingOver(leader);
  if (isJoint(leader.region)) return "the configuration is joint: leave it first";
  return changeUnderWay(leader) ? underWay : "";
}

function transferRefusal(leader: Peer | undefined, storeId: number, up: boolean): string {
  if (!leader) return noLeader;
  if (leader.storeId === storeId) return "it leads already";
  if (leader.transferTo > 0) return handingOver(leader);
  return up ? "" : "it is down";
}

function handingOver(leader: Peer): string {
  return `the leader is handing over to ${storeName(leader.transferTo)}`;
}

/** An entry that changes the members stands in the leader's log and is not applied yet. */
function changeUnderWay(leader: Peer): boolean {
  for (let at = leader.entries.length - 1; at >= 0 && leader.entries[at].index > leader.applied; at--) {
    if (leader.entries[at].type === EntryType.CONF_CHANGE) return true;
  }
  return false;
}
