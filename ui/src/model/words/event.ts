/** What happened, in words: one sentence that starts with the store, where there is one. */
import type { PeerProgress } from "../../pb/raftcmdpb/v1/raftcmdpb_pb";
import { LossReason, Role, type Event, type PeerTimer, type PeerWrite, type StoreShown } from "../../pb/sessionpb/v1/event_pb";
import type { Config } from "../../pb/sessionpb/v1/run_pb";
import { clockSetOf } from "../fold/wire";
import type { Entry, Message, Operation, Peer, Store } from "../state";
import { countText, durationText, sizeText } from "../text";
import { answerWords } from "./answer";
import { armedWords, clockSetWords, corruptedWords, crashWords, heldWords, rescheduledWords, wayWords, wipedWords } from "./fault";
import { messageDetail, messageTitle, messageTypeWords } from "./message";
import { clientName, progressStateWords, roleWords, storeName, storeNames } from "./names";
import { regionEventWords } from "./region";
import { entryWords, requestWords } from "./request";
import { settingsWords } from "./settings";

/** What an event refers to without holding it. */
export interface EventContext {
  readonly message: Message | null;
  /** The store of the event just before it. */
  readonly store: Store | null;
  readonly operation: Operation | null;
  readonly peers: ReadonlyMap<number, number>;
  /** The settings before, where they change. */
  readonly config: Config | null;
}

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
      return context.message ? sentWords(context.message) : `${who} sends a message`;
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
      if (!o?.request) return "Client sends a command";
      return `${clientName(o.worker)} ${o.retryOf > 0n ? "tries again at" : "sends"} S${o.toStore}: ${requestWords(o.request)}`;
    }
    case "operationEnded": {
      const operation = context.operation;
      if (!operation || !body.value.response) return `Client gets an answer to command ${body.value.id}`;
      const answer = answerWords(body.value.response, context.peers);
      const took = durationText(Number(event.timeMicros) - operation.startedMicros);
      return `${clientName(operation.worker)} gets the answer to ${requestWords(operation.request)}: ${answer.words} (${took})`;
    }
    case "storeCrashed":
      return crashWords(who, body.value);
    case "storeStarted": {
      if (body.value.wiped) return `${who} restarts ${wipedWords}`;
      const peers = body.value.store?.peers ?? [];
      if (peers.length > 1) return `${who} restarts, with peers of ${peers.length} regions`;
      const log = peers.length === 1 ? ` with term ${peers[0].term} and its log up to entry ${peers[0].lastIndex}` : "";
      return `${who} restarts${log}`;
    }
    case "timedOut":
      return `${who}'s election timer is made to fire`;
    case "electionTimeoutSet":
      return `${who}'s election timeout is set to ${body.value.timer?.timeoutTicks ?? 0} ticks`;
    case "settingsChanged":
      return settingsWords(body.value, context.config);
    case "messageHeld":
      return heldWords(context.message, body.value);
    case "messageRescheduled":
      return rescheduledWords(context.message, body.value.id, Number(body.value.dueMicros), Number(event.timeMicros));
    case "storePaused":
      return `${who} is paused: it neither ticks nor hears nor answers`;
    case "storeResumed":
      return `${who} goes on after its pause`;
    case "faultArmed":
      return armedWords(who, body.value, context.store);
    case "clockSet":
      return clockSetWords(who, clockSetOf(body.value, Number(event.timeMicros)), Number(body.value.jumpMicros), context.store);
    case "diskCorrupted":
      return corruptedWords(who, body.value);
    case "violation":
      return `Violation of ${body.value.judge}: ${body.value.message}`;
    case "modelLeft":
      return `From here on the run is outside of what Raft promises: ${body.value.why}`;
    case "storeStopped":
      return `${who} stops: ${body.value.reason}`;
    case "storeShown":
      return shownWords(who, body.value);
    case "storeAdded":
      return `${who} joins the cluster, without any peer yet`;
    case "peerCreated":
    case "peerDestroyed":
    case "regionChanged":
    case "logCompacted":
    case "snapshotProgress":
    case "snapshotRestored":
    case "transferStarted":
      return regionEventWords(who, body);
    default:
      return "Something happens that this page does not know";
  }
}

/** What lies between the event before and this one was shown to nobody here. */
function shownWords(who: string, { eventsLeftOut, why }: StoreShown): string {
  const because = why ? ` (${why})` : "";
  if (eventsLeftOut === 0n) return `${who} is shown as it stands${because}`;
  const events = eventsLeftOut === 1n ? "1 event was" : `${countText(Number(eventsLeftOut))} events were`;
  return `${events} not shown${because}; ${who} is shown as it stands`;
}

function tickedWords(who: string, timers: readonly PeerTimer[], store: Store | null): string {
  const timer = timers[0];
  if (!timer) return `${who} ticks`;
  if (timers.length > 1) return `${who} ticks, in ${timers.length} regions`;
  const peer = store?.peers.find((p) => p.regionId === Number(timer.regionId));
  if (peer?.role === Role.LEADER) return `${who} ticks: leader, quorum check ${timer.elapsedTicks} of ${timer.timeoutTicks}`;
  return `${who} ticks: election timer ${timer.elapsedTicks} of ${timer.timeoutTicks}`;
}

function sentWords(m: Message): string {
  if (m.copyOf > 0) return `A copy of the ${messageTitle(m)} is under way as well: ${messageDetail(m)}`;
  return `${storeName(m.from)} sends ${toWords(m)}`;
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
    case LossReason.CUT:
      return `${what} is lost: ${m ? `the link ${wayWords(m.from, m.to)}` : "the link"} is cut`;
    case LossReason.FILTER:
      return `${what} is lost: a filter takes it`;
    case LossReason.BY_HAND:
      return `${what} is dropped by hand`;
    case LossReason.REFUSED:
      return `${what} is refused${why ? `: ${why}` : ""}`;
    case LossReason.UNSENT:
      return `${what} never left its store${why ? `: ${why}` : ""}`;
    case LossReason.UNSEEN:
      return `${what} is lost: nobody saw it arrive${why ? ` (${why})` : ""}`;
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
  const kind = p.learner ? ", a learner," : "";
  const snapshot = p.pendingSnapshot > 0n ? ` at ${p.pendingSnapshot}` : "";
  return `${who}${kind} matches up to ${p.match}, next ${p.next}, ${progressStateWords(p.state)}${snapshot}`;
}

function entryOf(store: Store | null, regionId: number, index: number): Entry | undefined {
  const peer = store?.peers.find((p) => p.regionId === regionId);
  if (!peer) return undefined;
  return peer.entries[peer.entries.length - 1 - (peer.lastIndex - index)];
}
