/** Answers and errors to a client in words. */
import { Outcome, type Error as PbError } from "../../pb/errorpb/v1/errorpb_pb";
import type { Peer as PbPeer } from "../../pb/metapb/v1/metapb_pb";
import {
  ReadMode,
  type AdminResponse,
  type RaftCommandResponse,
  type Response,
  type StoreStats,
} from "../../pb/raftcmdpb/v1/raftcmdpb_pb";
import { regionOf } from "../fold/wire";
import { rangeWords } from "../regions";
import { bytesText, durationText, listText } from "../text";
import { membersWords, storeName } from "./names";
import { quoted } from "./request";

export interface Answer {
  /** good: done; bad: not done; unsure: nobody knows. */
  readonly tone: "good" | "bad" | "unsure";
  readonly words: string;
  /** Where the command should go instead, if the answer says so. */
  readonly leader: number;
  /** Which region the command's keys are in instead, if the answer says so. */
  readonly region: number;
  /** How a read was served, and as of which entry; empty for what is no read. */
  readonly served: string;
}

/** An answer that says no more than its words. */
function plain(tone: Answer["tone"], words: string, more: Partial<Answer> = {}): Answer {
  return { tone, words, leader: 0, region: 0, served: "", ...more };
}

/** The answer to a client, in words: "ok", "Kyoto", "not found", "not leader → S3". */
export function answerWords(
  response: RaftCommandResponse,
  peers: ReadonlyMap<number, number> = new Map(),
): Answer {
  const error = response.header?.error;
  if (error) return errorWords(error, peers);
  if (response.compareFailed) {
    const c = response.compareFailed;
    const is = c.found ? `is ${quoted(c.value)}` : "does not exist";
    return plain("bad", `condition failed: ${quoted(c.key)} ${is}; nothing changed`);
  }
  if (response.status) return plain("good", statusWords(response, peers));
  if (response.admin) return plain("good", adminAnswerWords(response.admin));
  const words = response.responses.map((r) => {
    switch (r.response.case) {
      case "get":
        return r.response.value.found ? shownValue(r.response.value.value) : "not found";
      case "seek":
        return r.response.value.found
          ? `${quoted(r.response.value.key)} = ${shownValue(r.response.value.value)}`
          : "no key there or after";
      case "scan": {
        const pairs = r.response.value.pairs.map((p) => `${quoted(p.key)} = ${shownValue(p.value)}`);
        if (pairs.length === 0) return "no keys";
        return pairs.join(", ") + (r.response.value.more ? ", …" : "");
      }
      case "delete":
        return r.response.value.found ? "ok" : "ok, there was no such key";
      default:
        return "ok";
    }
  });
  const repeated = response.header?.repeatedAnswer ? " (a retry: the first answer)" : "";
  return plain("good", (words.join("; ") || "ok") + repeated, { served: servedWords(response) });
}

function shownValue(value: Uint8Array): string {
  return value.length === 0 ? '""' : bytesText(value, 120);
}

function statusWords(response: RaftCommandResponse, peers: ReadonlyMap<number, number>): string {
  const leaderId = storeOf(response.status?.leader, peers);
  const head = leaderId > 0 ? `leader ${storeName(leaderId)}` : "no leader known";
  const stats = response.status?.stats;
  if (stats) return statsWords(stats);
  const detail = response.status?.detail;
  if (!detail) return head;
  return `${head}, term ${detail.term}, log ${detail.firstIndex} … ${detail.lastIndex}, committed ${detail.commit}, applied ${detail.applied}`;
}

function adminAnswerWords(answer: AdminResponse): string {
  const r = answer.response;
  switch (r.case) {
    case "changePeers":
      return r.value.region ? `ok: ${membersWords(regionOf(r.value.region))}` : "ok";
    case "split": {
      const halves = [r.value.left, r.value.right].flatMap((region) => (region ? [regionOf(region)] : []));
      return `ok: ${halves.map((h) => `region ${h.id} ${rangeWords(h)}`).join(", ")}`;
    }
    case "compactLog":
      return `ok: the log begins at entry ${r.value.firstIndex}`;
    case "transferLeader":
      return `handing over to S${r.value.peer?.storeId ?? 0n}`;
    default:
      return "ok";
  }
}

/** How a read was served, and as of which entry: "read at entry 12, within the lease". */
function servedWords(response: RaftCommandResponse): string {
  const header = response.header;
  if (!header || header.readMode === ReadMode.UNSPECIFIED || !response.responses.some(isRead)) return "";
  const at = `read at entry ${header.index}`;
  switch (header.readMode) {
    case ReadMode.READ_INDEX:
      return `${at}, a quorum confirmed the leader`;
    case ReadMode.LEASE:
      return `${at}, within the lease`;
    case ReadMode.STALE:
      return `${at}, may be old`;
    case ReadMode.LOG:
      return `${at}, through the log`;
    default:
      return "";
  }
}

function isRead(response: Response): boolean {
  const kind = response.response.case;
  return kind === "get" || kind === "seek" || kind === "scan";
}

function statsWords(stats: StoreStats): string {
  const parts = [
    counted(stats.regions, "region"),
    `${counted(stats.leaders, "leader")}`,
    ...(stats.asleep > 0 ? [`${stats.asleep} asleep`] : []),
    ...(stats.uninitialized > 0 ? [`${stats.uninitialized} waiting for a snapshot`] : []),
    ...(stats.snapshotsSending > 0 ? [`sends ${counted(stats.snapshotsSending, "snapshot")}`] : []),
    ...(stats.snapshotsReceiving > 0 ? [`receives ${counted(stats.snapshotsReceiving, "snapshot")}`] : []),
  ];
  return parts.join(", ");
}

function counted(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
}

function errorWords(error: PbError, peers: ReadonlyMap<number, number>): Answer {
  const may = error.outcome === Outcome.MAY_APPLY;
  const tone = may ? "unsure" : "bad";
  switch (error.reason.case) {
    case "notLeader": {
      const leader = storeOf(error.reason.value.leader, peers);
      const who = leader > 0 ? `not leader → ${storeName(leader)}` : "not leader, and it knows of none";
      return plain(tone, may ? `${who}; it may still apply` : who, { leader });
    }
    case "timeout":
      return plain(tone, `no answer in ${durationText(Number(error.reason.value.waitedMicros))}: the outcome is unknown`);
    case "staleCommand":
      return plain(tone, "another leader's entry took its place; nothing changed");
    case "storeStopped":
      return plain(tone, may ? "the store went down; it may still apply" : "the store is down; nothing changed");
    default: {
      const refused = regionErrorWords(error, peers);
      return refused ? plain(tone, refused.words, { region: refused.region }) : plain(tone, error.message || "refused");
    }
  }
}

/** Errors that are about a region's shape or members. */
function regionErrorWords(error: PbError, peers: ReadonlyMap<number, number>): { words: string; region: number } | null {
  const r = error.reason;
  const said = (words: string, region = 0) => ({ words, region });
  switch (r.case) {
    case "regionNotFound":
      return said(`this store has no peer of region ${r.value.regionId}`);
    case "keyNotInRegion": {
      const range = rangeWords({ start: r.value.startKey, end: r.value.endKey });
      const right = Number(r.value.rightRegion?.id ?? 0n);
      const where = right > 0 ? `; region ${right} has it` : "";
      return said(`${quoted(r.value.key)} is not in region ${r.value.regionId} (${range})${where}`, right);
    }
    case "staleEpoch": {
      const now = r.value.currentRegions.map(regionOf).map((region) => `region ${region.id} ${rangeWords(region)}, ${membersWords(region)}`);
      return said(`the region has changed meanwhile; nothing was done${now.length > 0 ? `. Now: ${now.join("; ")}` : ""}`);
    }
    case "confChangePending":
      return said(
        r.value.joint
          ? "the configuration is joint: it has to be left first"
          : "a change of members is under way: one at a time",
      );
    case "quorumAtRisk": {
      const silent = r.value.silent.map((p) => storeName(storeOf(p, peers)));
      const who = silent.length > 0 ? `the leader has not heard lately of ${listText(silent)}` : "too many are silent";
      const left = `the ${counted(r.value.voters, "voter")} that the change leaves could decide nothing`;
      return said(`refused: ${who}, and ${left}; --force does it all the same`);
    }
    case "leaderTransferring":
      return said(`the leader is handing over to ${storeName(storeOf(r.value.peer, peers))} and takes no commands meanwhile`);
    case "splitKeyRefused": {
      const range = rangeWords({ start: r.value.startKey, end: r.value.endKey });
      return said(`cannot split at ${quoted(r.value.splitKey)}: it must lie inside the region (${range}), after its first key`);
    }
    case "compactionRefused": {
      const { compactIndex, firstIndex, appliedIndex } = r.value;
      const can = appliedIndex >= firstIndex ? `entries ${firstIndex} to ${appliedIndex} can be` : "nothing is left that can be";
      return said(compactIndex > 0n ? `entry ${compactIndex} cannot be compacted: ${can}` : `nothing was compacted: ${can}`);
    }
    case "leaseNotOffered":
      return said("no lease reads here: they are off, or check quorum is, without which a leader has no lease");
    default:
      return null;
  }
}

function storeOf(peer: PbPeer | undefined, peers: ReadonlyMap<number, number>): number {
  return peer ? Number(peer.storeId) || (peers.get(Number(peer.id)) ?? 0) : 0;
}
