/** Answers and errors to a client in words. */
import { Outcome, type Error as PbError } from "../../pb/errorpb/v1/errorpb_pb";
import type { RaftCommandResponse } from "../../pb/raftcmdpb/v1/raftcmdpb_pb";
import { bytesText, durationText } from "../text";
import { storeName } from "./names";
import { quoted } from "./request";

export interface Answer {
  /** good: done; bad: not done; unsure: nobody knows. */
  readonly tone: "good" | "bad" | "unsure";
  readonly words: string;
  /** Where the command should go instead, if the answer says so. */
  readonly leader: number;
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
    return { tone: "bad", words: `condition failed: ${quoted(c.key)} ${is}; nothing changed`, leader: 0 };
  }
  if (response.status) return { tone: "good", words: statusWords(response, peers), leader: 0 };
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
  return { tone: "good", words: (words.join("; ") || "ok") + repeated, leader: 0 };
}

function shownValue(value: Uint8Array): string {
  return value.length === 0 ? '""' : bytesText(value, 120);
}

function statusWords(response: RaftCommandResponse, peers: ReadonlyMap<number, number>): string {
  const leader = response.status?.leader;
  const leaderId = leader ? Number(leader.storeId) || (peers.get(Number(leader.id)) ?? 0) : 0;
  const head = leaderId > 0 ? `leader ${storeName(leaderId)}` : "no leader known";
  const detail = response.status?.detail;
  if (!detail) return head;
  return `${head}, term ${detail.term}, log ${detail.firstIndex} … ${detail.lastIndex}, committed ${detail.commit}, applied ${detail.applied}`;
}

function errorWords(error: PbError, peers: ReadonlyMap<number, number>): Answer {
  const may = error.outcome === Outcome.MAY_APPLY;
  const tone = may ? "unsure" : "bad";
  switch (error.reason.case) {
    case "notLeader": {
      const peer = error.reason.value.leader;
      const leader = peer ? Number(peer.storeId) || (peers.get(Number(peer.id)) ?? 0) : 0;
      const who = leader > 0 ? `not leader → ${storeName(leader)}` : "not leader, and it knows of none";
      return { tone, words: may ? `${who}; it may still apply` : who, leader };
    }
    case "timeout":
      return {
        tone: may ? "unsure" : "bad",
        words: `no answer in ${durationText(Number(error.reason.value.waitedMicros))}: the outcome is unknown`,
        leader: 0,
      };
    case "staleCommand":
      return { tone, words: "another leader's entry took its place; nothing changed", leader: 0 };
    case "storeStopped":
      return { tone, words: may ? "the store went down; it may still apply" : "the store is down; nothing changed", leader: 0 };
    default:
      return { tone, words: error.message || "refused", leader: 0 };
  }
}
