/** A message between stores in words. */
import { MessageType } from "../../pb/sessionpb/v1/fault_pb";
import type { Message } from "../state";
import { listText, sizeText } from "../text";
import { storeName } from "./names";

export function messageTypeWords(type: MessageType): string {
  switch (type) {
    case MessageType.APPEND:
      return "append";
    case MessageType.APPEND_RESPONSE:
      return "append response";
    case MessageType.VOTE:
      return "vote request";
    case MessageType.VOTE_RESPONSE:
      return "vote response";
    case MessageType.PRE_VOTE:
      return "pre-vote request";
    case MessageType.PRE_VOTE_RESPONSE:
      return "pre-vote response";
    case MessageType.SNAPSHOT:
      return "snapshot";
    case MessageType.HEARTBEAT:
      return "heartbeat";
    case MessageType.HEARTBEAT_RESPONSE:
      return "heartbeat response";
    case MessageType.TIMEOUT_NOW:
      return "time-out-now request";
    case MessageType.READ_INDEX:
      return "read index request";
    case MessageType.READ_INDEX_RESPONSE:
      return "read index response";
    case MessageType.SNAPSHOT_ACK:
      return "snapshot acknowledgement";
    case MessageType.PEER_GONE:
      return "removal notice";
    case MessageType.PEER_REMOVED:
      return "word of a removal";
    case MessageType.CHECK_PEER:
      return "membership question";
    case MessageType.SLEEP:
      return "sleep notice";
    case MessageType.STORE_BEAT:
      return "store heartbeat";
    default:
      return "message";
  }
}

/** raft's own name of the type, as etcd's logs print it; the stores' own words have names in the same manner. */
export function messageTypeName(type: MessageType): string {
  switch (type) {
    case MessageType.APPEND:
      return "MsgApp";
    case MessageType.APPEND_RESPONSE:
      return "MsgAppResp";
    case MessageType.VOTE:
      return "MsgVote";
    case MessageType.VOTE_RESPONSE:
      return "MsgVoteResp";
    case MessageType.PRE_VOTE:
      return "MsgPreVote";
    case MessageType.PRE_VOTE_RESPONSE:
      return "MsgPreVoteResp";
    case MessageType.SNAPSHOT:
      return "MsgSnap";
    case MessageType.HEARTBEAT:
      return "MsgHeartbeat";
    case MessageType.HEARTBEAT_RESPONSE:
      return "MsgHeartbeatResp";
    case MessageType.TIMEOUT_NOW:
      return "MsgTimeoutNow";
    case MessageType.READ_INDEX:
      return "MsgReadIndex";
    case MessageType.READ_INDEX_RESPONSE:
      return "MsgReadIndexResp";
    case MessageType.SNAPSHOT_ACK:
      return "SnapshotAck";
    case MessageType.PEER_GONE:
      return "PeerGone";
    case MessageType.PEER_REMOVED:
      return "PeerRemoved";
    case MessageType.CHECK_PEER:
      return "CheckPeer";
    case MessageType.SLEEP:
      return "Sleep";
    case MessageType.STORE_BEAT:
      return "StoreBeat";
    default:
      return "Msg";
  }
}

export function isHeartbeat(type: MessageType): boolean {
  switch (type) {
    case MessageType.HEARTBEAT:
    case MessageType.HEARTBEAT_RESPONSE:
    case MessageType.STORE_BEAT:
      return true;
    default:
      return false;
  }
}

/** "append S3 → S1": short, and unlike that of any other message between the two at once. */
export function messageTitle(m: Message): string {
  return `${messageTypeWords(m.type)} ${storeName(m.from)} → ${storeName(m.to)}`;
}

/** What the message says: "entry 9 of term 4 after 8, commit 8". */
export function messageDetail(m: Message): string {
  switch (m.type) {
    case MessageType.APPEND: {
      const commit = `commit ${m.commit}`;
      if (m.entryTerms.length === 0) return `no entries, ${commit}`;
      return `${entriesWords(m.index + 1, m.entryTerms)}, ${commit}`;
    }
    case MessageType.APPEND_RESPONSE:
      return m.reject
        ? `rejected, no entry ${m.index} that matches; it holds up to ${m.rejectHint}`
        : `holds entries up to ${m.index}`;
    case MessageType.VOTE:
      return `asks for a vote in term ${m.term}; its log ends at entry ${m.index} of term ${m.logTerm}`;
    case MessageType.PRE_VOTE:
      return `would it get a vote in term ${m.term}? Its log ends at entry ${m.index} of term ${m.logTerm}`;
    case MessageType.VOTE_RESPONSE:
      return m.reject ? `vote refused in term ${m.term}` : `vote granted in term ${m.term}`;
    case MessageType.PRE_VOTE_RESPONSE:
      return m.reject ? `pre-vote refused, term ${m.term}` : `pre-vote granted for term ${m.term}`;
    case MessageType.SNAPSHOT:
      return chunkWords(m);
    case MessageType.SNAPSHOT_ACK:
      if (m.reject) return "does not want the snapshot";
      if (m.lastChunk) return "has all of it";
      // Either it has all of it or it begins anew: the next chunk alone does not tell.
      return m.chunk > 1 ? `wants chunk ${m.chunk}` : "is done with it, or wants it from the start";
    case MessageType.PEER_GONE:
      return `region ${m.regionId} has no such member any more`;
    case MessageType.PEER_REMOVED:
      return `entry ${m.index} is committed: the sender, which votes no more, has applied it`;
    case MessageType.CHECK_PEER:
      return `is it still a member of region ${m.regionId}?`;
    case MessageType.SLEEP:
      return `region ${m.regionId} is idle: its timers may rest`;
    case MessageType.STORE_BEAT:
      return "alive; stands in for the heartbeats of all regions that sleep";
    case MessageType.TIMEOUT_NOW:
      return `take over: stand for election now, term ${m.term}`;
    case MessageType.HEARTBEAT:
      return `term ${m.term}, commit ${m.commit}${m.readContext ? ", confirms a read" : ""}`;
    case MessageType.HEARTBEAT_RESPONSE:
      return `term ${m.term}${m.readContext ? ", confirms a read" : ""}`;
    default:
      return `term ${m.term}`;
  }
}

function chunkWords(m: Message): string {
  const all = `the state at entry ${m.snapshotIndex}`;
  if (m.chunk === 0) return `${all}, ${sizeText(m.sizeBytes)}`;
  const last = m.lastChunk ? ", the last" : "";
  return `${all}, chunk ${m.chunk}${last}: ${sizeText(m.snapshotBytes)} of ${sizeText(m.snapshotBytesTotal)}`;
}

export function messageWords(m: Message): string {
  return `${messageTitle(m)}: ${messageDetail(m)}`;
}

function entriesWords(firstIndex: number, terms: readonly number[]): string {
  const last = firstIndex + terms.length - 1;
  const termsSeen = [...new Set(terms)];
  const of = termsSeen.length === 1 ? `of term ${termsSeen[0]}` : `of terms ${listText(termsSeen.map(String))}`;
  return terms.length === 1 ? `entry ${firstIndex} ${of}` : `entries ${firstIndex} to ${last} ${of}`;
}
