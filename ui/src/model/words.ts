/** Every event, message, entry and command in words: one sentence each, in the field's own terms. */
import { fromBinary } from "@bufbuild/protobuf";
import { Outcome, type Error as PbError } from "../pb/errorpb/v1/errorpb_pb";
import {
  RaftCommandRequestSchema,
  ReadMode,
  StatusType,
  type Compare,
  type PeerProgress,
  ProgressState,
  type RaftCommandRequest,
  type RaftCommandResponse,
  type Request,
} from "../pb/raftcmdpb/v1/raftcmdpb_pb";
import {
  EntryType,
  LossReason,
  MessageType,
  Role,
  type Event,
  type LogEntry,
  type PeerWrite,
} from "../pb/sessionpb/v1/event_pb";
import type { Entry, Message, Operation, Peer, Store } from "./state";
import { bytesText, durationText, listText, sizeText } from "./text";

/** What an event refers to without holding it. */
export interface EventContext {
  readonly message: Message | null;
  /** The store of the event just before it. */
  readonly store: Store | null;
  readonly operation: Operation | null;
  readonly peers: ReadonlyMap<number, number>;
}

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

// Messages.

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
    default:
      return "message";
  }
}

/** raft's own name of the type, as etcd's logs print it. */
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
    default:
      return "Msg";
  }
}

export function isHeartbeat(type: MessageType): boolean {
  return type === MessageType.HEARTBEAT || type === MessageType.HEARTBEAT_RESPONSE;
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
      return `the state at entry ${m.snapshotIndex}, ${sizeText(m.sizeBytes)}`;
    case MessageType.HEARTBEAT:
      return `term ${m.term}, commit ${m.commit}${m.readContext ? ", confirms a read" : ""}`;
    case MessageType.HEARTBEAT_RESPONSE:
      return `term ${m.term}${m.readContext ? ", confirms a read" : ""}`;
    default:
      return `term ${m.term}`;
  }
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

// Entries and commands.

const entryWordsByDigest = new Map<bigint, string>();

/** "put city Kyoto", "new term". Equal digests mean equal entries, so the words are made once for all stores. */
export function entryWords(entry: LogEntry): string {
  if (entry.type === EntryType.EMPTY) return "new term";
  if (entry.type === EntryType.CONF_CHANGE) return "membership change";
  if (entry.command.length === 0) return `command of ${sizeText(entry.sizeBytes)}`;
  const known = entryWordsByDigest.get(entry.digest);
  if (known !== undefined) return known;
  let words: string;
  try {
    words = requestWords(fromBinary(RaftCommandRequestSchema, entry.command));
  } catch {
    words = `command of ${sizeText(entry.sizeBytes)}`;
  }
  if (entryWordsByDigest.size > 10_000) entryWordsByDigest.clear();
  if (entry.digest !== 0n) entryWordsByDigest.set(entry.digest, words);
  return words;
}

export function requestWords(request: RaftCommandRequest): string {
  if (request.status) {
    return request.status.type === StatusType.REGION_LEADER ? "status leader" : "status";
  }
  const parts = request.requests.map(oneRequestWords);
  const compares = request.compares.map(compareWords);
  const what = parts.join("; ") || "nothing";
  const mode = request.header?.readMode === ReadMode.LOG ? " --log" : "";
  return what + mode + (compares.length > 0 ? ` if ${compares.join(" and ")}` : "");
}

function oneRequestWords(request: Request): string {
  const r = request.request;
  switch (r.case) {
    case "get":
      return `get ${quoted(r.value.key)}`;
    case "seek":
      return `seek ${quoted(r.value.key)}`;
    case "scan": {
      const end = r.value.endKey.length > 0 ? ` ${quoted(r.value.endKey)}` : "";
      return `scan ${quoted(r.value.startKey)}${end}`;
    }
    case "put":
      return `put ${quoted(r.value.key)} ${quoted(r.value.value)}`;
    case "delete":
      return `delete ${quoted(r.value.key)}`;
    default:
      return "nothing";
  }
}

function compareWords(compare: Compare): string {
  return compare.expect.case === "value"
    ? `${quoted(compare.key)} = ${quoted(compare.expect.value)}`
    : `absent ${quoted(compare.key)}`;
}

function quoted(bytes: Uint8Array): string {
  const text = bytesText(bytes, 60);
  return text === "" || /[\s"';=]/.test(text) ? JSON.stringify(text) : text;
}

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

// Events.

/** One sentence that starts with the store, where there is one. */
export function eventWords(event: Event, context: EventContext): string {
  const who = storeName(Number(event.storeId));
  const body = event.body;
  switch (body.case) {
    case "runStarted": {
      const stores = body.value.stores.length;
      return `The run starts with ${stores} stores and seed ${body.value.config?.seed ?? 0n}`;
    }
    case "ticked":
      return tickedWords(who, body.value.timers, context.store);
    case "messageSent":
      return context.message ? `${storeName(context.message.from)} sends ${toWords(context.message)}` : `${who} sends a message`;
    case "messageDelivered": {
      const m = context.message;
      if (!m) return `Message ${body.value.id} arrives`;
      return `${storeName(m.to)} receives ${fromWords(m)}${body.value.byHand ? " (delivered by hand)" : ""}`;
    }
    case "messageLost":
      return lostWords(context.message, Number(body.value.id), body.value.reason, body.value.why);
    case "roleChanged":
      return roleChangeWords(event, context);
    case "writeStarted": {
      const parts = body.value.peers.flatMap((p) => writeWords(p, context.store));
      const what = parts.length > 0 ? parts.join(" and ") : `writes ${sizeText(body.value.sizeBytes)}`;
      return `${who} ${what}`;
    }
    case "written": {
      const write = context.store?.writes.find((w) => w.id === Number(body.value.writeId));
      if (write && write.syncedDueMicros === 0) return `${who}'s disk has written it; it need not be synced`;
      return `${who}'s disk has written it; a crash before the sync loses it`;
    }
    case "synced":
      return syncedWords(who, Number(body.value.writeId), context.store);
    case "committed": {
      const { index, indexBefore } = body.value;
      const what = index - indexBefore === 1n ? `entry ${index} is` : `entries up to ${index} are`;
      return `${who} knows that ${what} committed`;
    }
    case "applied": {
      const entry = entryOf(context.store, Number(body.value.regionId), Number(body.value.index));
      const refused = body.value.refused !== "" ? ` (changed nothing: ${body.value.refused})` : "";
      return `${who} applies entry ${body.value.index}${entry ? `: ${entry.words}` : ""}${refused}`;
    }
    case "progressChanged":
      return `${who} notes: ${body.value.progress.map((p) => progressWords(p, Number(event.storeId), context.peers)).join("; ")}`;
    case "operationStarted": {
      const o = body.value.operation;
      return o?.request ? `Client sends S${o.toStore}: ${requestWords(o.request)}` : "Client sends a command";
    }
    case "operationEnded": {
      const operation = context.operation;
      if (!operation || !body.value.response) return `Client gets an answer to command ${body.value.id}`;
      const answer = answerWords(body.value.response, context.peers);
      const took = durationText(Number(event.timeMicros) - operation.startedMicros);
      return `Client gets the answer to ${requestWords(operation.request)}: ${answer.words} (${took})`;
    }
    case "storeCrashed": {
      const { batchesLost, bytesLost } = body.value;
      const lost =
        batchesLost === 0
          ? "nothing unsynced was lost"
          : `${batchesLost} unsynced ${batchesLost === 1 ? "batch" : "batches"} (${sizeText(bytesLost)}) lost`;
      return `${who} crashes; ${lost}`;
    }
    case "storeStarted": {
      const peer = body.value.store?.peers[0];
      const log = peer ? ` with term ${peer.term} and its log up to entry ${peer.lastIndex}` : "";
      return `${who} restarts${log}`;
    }
    case "timedOut":
      return `${who}'s election timer is made to fire`;
    case "electionTimeoutSet":
      return `${who}'s election timeout is set to ${body.value.timer?.timeoutTicks ?? 0} ticks`;
    case "settingsChanged": {
      const parts: string[] = [];
      const { network, disk } = body.value;
      if (network) {
        parts.push(
          `latency ${durationText(Number(network.latencyMicros))} ± ${durationText(Number(network.jitterMicros))}, loss ${percentText(network.lossPpm)}`,
        );
      }
      if (disk) {
        parts.push(`write ${durationText(Number(disk.writeMicros))}, fsync ${durationText(Number(disk.fsyncMicros))}`);
      }
      return `Settings change: ${parts.join("; ")}`;
    }
    case "violation":
      return `Violation of ${body.value.judge}: ${body.value.message}`;
    case "storeStopped":
      return `${who} stops: ${body.value.reason}`;
    default:
      return "Something happens that this page does not know";
  }
}

export function percentText(ppm: number): string {
  return `${Number((ppm / 10_000).toFixed(2))} %`;
}

function tickedWords(who: string, timers: readonly { elapsedTicks: number; timeoutTicks: number }[], store: Store | null): string {
  const timer = timers[0];
  if (!timer) return `${who} ticks`;
  if (store?.peers[0]?.role === Role.LEADER) return `${who} ticks: leader, quorum check ${timer.elapsedTicks} of ${timer.timeoutTicks}`;
  return `${who} ticks: election timer ${timer.elapsedTicks} of ${timer.timeoutTicks}`;
}

function toWords(m: Message): string {
  return `${storeName(m.to)} ${article(messageTypeWords(m.type))}: ${messageDetail(m)}`;
}

function fromWords(m: Message): string {
  return `${storeName(m.from)}'s ${messageTypeWords(m.type)}: ${messageDetail(m)}`;
}

function article(words: string): string {
  return /^[aeiou]/.test(words) ? `an ${words}` : `a ${words}`;
}

function lostWords(m: Message | null, id: number, reason: LossReason, why: string): string {
  const what = m ? `The ${messageTitle(m)}` : `Message ${id}`;
  switch (reason) {
    case LossReason.STORE_DOWN:
      return `${what} is lost: ${m ? storeName(m.to) : "the store"} is down`;
    case LossReason.BY_HAND:
      return `${what} is dropped by hand`;
    case LossReason.REFUSED:
      return `${what} is refused${why ? `: ${why}` : ""}`;
    default:
      return `${what} is lost by the network`;
  }
}

function roleChangeWords(event: Event, context: EventContext): string {
  if (event.body.case !== "roleChanged") return "";
  const change = event.body.value;
  const who = storeName(Number(event.storeId));
  const store = (id: bigint) => context.peers.get(Number(id)) ?? 0;
  const votes = change.votes.map(store).sort((a, b) => a - b);
  if (change.role !== change.roleBefore) {
    switch (change.role) {
      case Role.LEADER:
        return `${who} becomes leader of term ${change.term}${votes.length > 0 ? ` with votes from ${storeNames(votes)}` : ""}`;
      case Role.CANDIDATE: {
        const others = votes.length > 1 ? ` after pre-votes from ${storeNames(votes)}` : "";
        return `${who} becomes candidate in term ${change.term}${others} and votes for itself`;
      }
      case Role.PRE_CANDIDATE:
        return `${who}'s election timer fires: it asks for pre-votes for term ${change.term + 1n}`;
      default: {
        const was = change.roleBefore === Role.LEADER ? "steps down" : "goes back";
        return `${who} ${was} to follower in term ${change.term}${leaderWords(store(change.leader))}`;
      }
    }
  }
  if (change.term !== change.termBefore) {
    const voted = change.vote !== 0n ? ` and votes for ${storeName(store(change.vote))}` : "";
    return `${who} moves to term ${change.term}${voted}${leaderWords(store(change.leader))}`;
  }
  const peer = context.store?.peers.find((p) => p.regionId === Number(change.regionId));
  if (peer && store(change.leader) !== peer.leader) {
    return change.leader !== 0n
      ? `${who} learns that ${storeName(store(change.leader))} leads term ${change.term}`
      : `${who} no longer knows a leader of term ${change.term}`;
  }
  if (change.vote !== 0n) return `${who} votes for ${storeName(store(change.vote))} in term ${change.term}`;
  return `${who} stays ${roleWords(change.role)} in term ${change.term}`;
}

function leaderWords(leader: number): string {
  return leader > 0 ? `, with ${storeName(leader)} as leader` : "";
}

function writeWords(part: PeerWrite, store: Store | null): string[] {
  const peer = store?.peers.find((p) => p.regionId === Number(part.regionId));
  if (part.entries.length > 0) return [appendedWords(part, peer)];
  if (peer && Number(part.commit) > 0 && part.term === BigInt(peer.term) && part.vote === 0n) {
    return [`saves commit ${part.commit}`];
  }
  return [`saves term ${part.term}${part.vote !== 0n ? " and its vote" : ""}, commit ${part.commit}`];
}

function appendedWords(part: PeerWrite, peer: Peer | undefined): string {
  const first = part.entries[0];
  const replaces = peer && Number(part.firstIndex) <= peer.lastIndex ? `, replacing entries from ${part.firstIndex} on` : "";
  if (part.entries.length === 1) {
    return `appends entry ${first.index} of term ${first.term}: ${entryWords(first)}${replaces}`;
  }
  const last = part.entries[part.entries.length - 1];
  return `appends entries ${first.index} to ${last.index}, the last of term ${last.term}${replaces}`;
}

function syncedWords(who: string, writeId: number, store: Store | null): string {
  let last = 0;
  for (const write of store?.writes ?? []) {
    if (write.id > writeId) continue;
    for (const log of write.logs) if (log.firstIndex > 0) last = log.lastIndex;
  }
  return last > 0
    ? `${who}'s disk has synced: entries up to ${last} are durable`
    : `${who}'s disk has synced: its term and vote are durable`;
}

function progressWords(p: PeerProgress, leader: number, peers: ReadonlyMap<number, number>): string {
  const id = peers.get(Number(p.peerId)) ?? 0;
  if (id === leader) return `its own log is durable up to ${p.match}`;
  const who = storeName(id);
  return `${who} matches up to ${p.match}, next ${p.next}, ${progressStateWords(p.state)}`;
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

function entryOf(store: Store | null, regionId: number, index: number): Entry | undefined {
  const peer = store?.peers.find((p) => p.regionId === regionId);
  if (!peer) return undefined;
  return peer.entries[peer.entries.length - 1 - (peer.lastIndex - index)];
}
