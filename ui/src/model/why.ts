/** Why is this entry not committed yet? Computed from the model alone, in sentences a person can check by looking. */
import { HoldReason } from "../pb/sessionpb/v1/event_pb";
import { MessageType } from "../pb/sessionpb/v1/fault_pb";
import { linkState } from "./links";
import { decided, isJoint, learners, majorities, quorum, votersAll, type Majority } from "./members";
import { leaderOf, peerOf } from "./regions";
import type { Cluster, Entry, Message, Peer, Store } from "./state";
import { durationText, listText } from "./text";
import { holdReasonWords, storeName } from "./words";

export interface Why {
  readonly title: string;
  readonly sentences: readonly string[];
  /** The messages that would move it on. */
  readonly messageIds: readonly number[];
  /** Where to read more: a section of the Raft paper. */
  readonly section: string;
}

export function entryAt(peer: Peer, index: number): Entry | undefined {
  return peer.entries[peer.entries.length - 1 - (peer.lastIndex - index)];
}

/** The entry worth asking about: the leader's (or the chosen store's) first one that is not committed; 0 when all are. */
export function firstUncommitted(cluster: Cluster, regionId: number, storeId = 0): { storeId: number; index: number } | null {
  const chosen = peerOf(
    cluster.stores.find((s) => s.id === storeId),
    regionId,
  );
  const peer = chosen && chosen.lastIndex > chosen.commit ? chosen : leaderOf(cluster, regionId);
  if (!peer || peer.lastIndex <= peer.commit) return null;
  return { storeId: peer.storeId, index: peer.commit + 1 };
}

/** null when the store does not hold the entry. */
export function whyNotCommitted(
  cluster: Cluster,
  nowMicros: number,
  regionId: number,
  storeId: number,
  index: number,
): Why | null {
  const store = cluster.stores.find((s) => s.id === storeId);
  const peer = peerOf(store, regionId);
  const entry = peer ? entryAt(peer, index) : undefined;
  if (!store || !peer || !entry) return null;

  // Who counts is as the leader has it: a store that lags behind may know older members.
  const region = (leaderOf(cluster, regionId) ?? peer).region;
  const voting = votersAll(region);
  const copies = cluster.stores.filter((s) => {
    const p = peerOf(s, regionId);
    return p !== undefined && entryAt(p, index)?.term === entry.term;
  });
  const isDurable = (s: Store) => peerOf(s, regionId)!.syncedIndex >= index;
  const holders = copies.filter((s) => voting.includes(s.id));
  const durable = holders.filter(isDurable);
  const halves = majorities(
    region,
    durable.map((s) => s.id),
  );
  const learning = copies.filter((s) => learners(region).includes(s.id));

  if (index <= peer.commit) {
    return {
      title: `Why is entry ${index} committed?`,
      sentences: [committedWords(durable, halves)],
      messageIds: [],
      section: "§5.3",
    };
  }

  const title = `Why is entry ${index} not committed${store.up ? "" : ` on ${storeName(storeId)}`}?`;
  const leader = leaderOf(cluster, regionId);
  const sentences: string[] = isJoint(region)
    ? [jointWords(halves), ...halves.map(halfWords)]
    : [heldBy(durable, holders, quorum(voting.length))];
  if (!store.up) {
    sentences.push(`${storeName(storeId)} is down: it learns what is committed after it restarts.`);
  }
  if (!leader) {
    sentences.push("There is no leader, and only a leader commits entries: an election has to come first.");
    return { title, sentences, messageIds: [], section: "§5.2" };
  }
  const leaders = entryAt(leader, index);
  if (leaders?.term !== entry.term) {
    sentences.push(
      `${storeName(leader.storeId)} leads term ${leader.term} without this entry: ${storeName(storeId)}'s copy will be replaced by the leader's log.`,
    );
    return { title, sentences, messageIds: [], section: "§5.3" };
  }
  if (leader.commit >= index) {
    const news = cluster.messages.filter((m) => m.to === storeId && m.commit >= index && !m.doomed);
    sentences.splice(0, isJoint(region) ? 3 : 1, `It is committed: the leader ${storeName(leader.storeId)} knows. ${storeName(storeId)} has not heard of it yet.`);
    sentences.push(...onTheWay(news, nowMicros));
    if (news.length === 0 && store.up) sentences.push("The next append or heartbeat will tell it.");
    return { title, sentences, messageIds: news.map((m) => m.id), section: "§5.3" };
  }
  if (learning.length > 0) {
    const [are, copy] = learning.length === 1 ? ["a learner", "its copy does"] : ["learners", "their copies do"];
    const verb = learning.length === 1 ? "has" : "have";
    sentences.push(`${storeNamesText(learning)} ${verb} it too, as ${are}: ${copy} not count.`);
  }
  const told = sentences.length;
  if (entry.term < leader.term) {
    sentences.push(
      `It is of term ${entry.term}, and ${storeName(leader.storeId)} leads term ${leader.term}: a leader counts copies only for entries of its own term; this one is committed with the first of those after it.`,
    );
  }
  const carriers = carriersOf(cluster, leader, index);
  sentences.push(...onTheWay(carriers, nowMicros));
  sentences.push(...onDisk(regionId, holders, durable, nowMicros));
  const missing = cluster.stores.filter((s) => s.up && s.id !== leader.storeId && voting.includes(s.id) && !durable.includes(s));
  sentences.push(...obstacles(cluster, leader.storeId, missing));
  const down = cluster.stores.filter((s) => !s.up && voting.includes(s.id) && !durable.includes(s));
  if (down.length > 0) sentences.push(`${storeNamesText(down)} ${down.length === 1 ? "is" : "are"} down.`);
  const upIds = cluster.stores.filter((s) => s.up).map((s) => s.id);
  for (const m of majorities(region, upIds)) {
    if (m.got.length >= m.needed) continue;
    const of = m.half === "only" ? "" : ` of the ${m.half} half`;
    sentences.push(
      `Only ${m.got.length} of ${m.stores.length} stores${of} are up: nothing can be committed until ${m.needed} are.`,
    );
  }
  if (sentences.length === told) {
    sentences.push(`Nothing about it is on the way: ${storeName(leader.storeId)} sends it again with the next heartbeat.`);
  }
  return {
    title,
    sentences,
    messageIds: carriers.map((m) => m.id),
    section: isJoint(region) ? "§6" : entry.term < leader.term ? "§5.4.2" : "§5.3",
  };
}

function committedWords(durable: readonly Store[], halves: readonly Majority[]): string {
  if (!decided(halves)) return "It is committed: the members of that time held it durably, so no later leader lacks it.";
  const holds = `${storeNamesText(durable)} ${durable.length === 1 ? "holds" : "hold"} it durably`;
  const [only] = halves;
  const why =
    halves.length === 1
      ? `${durable.length} of ${only.stores.length}, and ${only.needed} are a quorum`
      : "a majority of the old members and one of the new";
  return `${holds}: ${why}. No later leader can be elected without it.`;
}

function jointWords(halves: readonly Majority[]): string {
  const waits = halves.filter((m) => m.got.length < m.needed).map((m) => `the ${m.half} one`);
  const both = "The configuration is joint: a majority of the old members and a majority of the new ones must hold it durably.";
  return waits.length === 0 ? `${both} Both do; the leader has yet to hear so.` : `${both} Missing is ${listText(waits)}.`;
}

function halfWords(m: Majority): string {
  const got = m.got.length === 0 ? "none" : listText(m.got.map(storeName));
  return `${m.half === "old" ? "Old" : "New"} (${m.stores.map(storeName).join(", ")}): ${got}, ${m.got.length} of the ${m.needed} it needs.`;
}

function heldBy(durable: readonly Store[], holders: readonly Store[], needed: number): string {
  if (durable.length === 0) {
    return holders.length === 0
      ? "No store that is up holds it."
      : `${storeNamesText(holders)} ${holders.length === 1 ? "has it, but not durably yet" : "have it, none of them durably yet"}; a quorum needs ${needed}.`;
  }
  if (durable.length >= needed) {
    return `${storeNamesText(durable)} hold it durably: a quorum of ${needed}. The leader has yet to hear so.`;
  }
  const only = durable.length === 1 ? "Only " : "";
  const verb = durable.length === 1 ? "holds" : "hold";
  return `${only}${storeNamesText(durable)} ${verb} it durably: ${durable.length} of the ${needed} stores that a quorum needs.`;
}

/** Messages that carry the entry out, or the word that it has arrived back. */
function carriersOf(cluster: Cluster, leader: Peer, index: number): Message[] {
  return cluster.messages.filter((m) => {
    if (m.regionId !== leader.regionId || m.term !== leader.term) return false;
    if (m.type === MessageType.APPEND && m.from === leader.storeId) {
      return m.index < index && index <= m.index + m.entryTerms.length;
    }
    if (m.type === MessageType.SNAPSHOT && m.from === leader.storeId) return m.snapshotIndex >= index;
    return m.type === MessageType.APPEND_RESPONSE && m.to === leader.storeId && !m.reject && m.index >= index;
  });
}

function onTheWay(messages: readonly Message[], nowMicros: number): string[] {
  const sentences: string[] = [];
  const isHeld = (m: Message) => m.held !== HoldReason.UNSPECIFIED;
  const responses = messages.filter((m) => m.type === MessageType.APPEND_RESPONSE);
  const others = messages.filter((m) => m.type !== MessageType.APPEND_RESPONSE);
  const [flying, held] = [others.filter((m) => !isHeld(m)), others.filter(isHeld)];
  if (flying.length > 0) {
    const to = listText([...new Set(flying.map((m) => storeName(m.to)))]);
    sentences.push(`It is on the way to ${to}, ${dueText(flying, nowMicros)}.`);
  }
  if (held.length > 0) {
    const to = listText([...new Set(held.map((m) => storeName(m.to)))]);
    sentences.push(`On its way to ${to} it waits: ${reasonsText(held)}.`);
  }
  const [answers, heldAnswers] = [responses.filter((m) => !isHeld(m)), responses.filter(isHeld)];
  if (answers.length > 0) {
    const from = listText([...new Set(answers.map((m) => storeName(m.from)))]);
    sentences.push(`The answer of ${from} is on the way, ${dueText(answers, nowMicros)}.`);
  }
  if (heldAnswers.length > 0) {
    const from = listText([...new Set(heldAnswers.map((m) => storeName(m.from)))]);
    sentences.push(`The answer of ${from} waits: ${reasonsText(heldAnswers)}.`);
  }
  return sentences;
}

/** "held by a filter", "the link is clogged". */
function reasonsText(held: readonly Message[]): string {
  return listText([...new Set(held.map((m) => holdReasonWords(m).replace("waits: ", "")))]);
}

/** What keeps the leader and those who lack the entry apart: cut links, stores that stand still. */
function obstacles(cluster: Cluster, leader: number, missing: readonly Store[]): string[] {
  const sentences: string[] = [];
  const isCut = (from: number, to: number) => linkState(cluster.config, from, to).cut;
  const deaf = missing.filter((s) => isCut(leader, s.id));
  const mute = missing.filter((s) => !isCut(leader, s.id) && isCut(s.id, leader));
  const paused = missing.filter((s) => s.paused);
  const links = (stores: readonly Store[]) => (stores.length === 1 ? "the link is cut" : "the links are cut");
  if (deaf.length > 0) {
    sentences.push(`${storeNamesText(deaf)} ${deaf.length === 1 ? "does" : "do"} not hear ${storeName(leader)}: ${links(deaf)}.`);
  }
  if (mute.length > 0) sentences.push(`${storeName(leader)} does not hear ${storeNamesText(mute)}: ${links(mute)}.`);
  if (paused.length > 0) sentences.push(`${storeNamesText(paused)} ${paused.length === 1 ? "is" : "are"} paused.`);
  return sentences;
}

function dueText(messages: readonly Message[], nowMicros: number): string {
  const first = Math.min(...messages.map((m) => m.dueMicros));
  return `due in ${durationText(Math.max(0, first - nowMicros))}`;
}

function onDisk(
  regionId: number,
  holders: readonly Store[],
  durable: readonly Store[],
  nowMicros: number,
): string[] {
  const writing = holders.filter((s) => s.up && !durable.includes(s) && s.writes.length > 0);
  if (writing.length === 0) return [];
  const due = Math.min(
    ...writing.flatMap((s) =>
      s.writes
        .filter((w) => w.logs.some((l) => l.regionId === regionId && l.firstIndex > 0))
        .map((w) => w.syncedDueMicros || w.writtenDueMicros),
    ),
  );
  if (!Number.isFinite(due)) return [];
  const verb = writing.length === 1 ? "is" : "are";
  return [`${storeNamesText(writing)} ${verb} still writing it to disk, synced in ${durationText(Math.max(0, due - nowMicros))}.`];
}

function storeNamesText(stores: readonly Store[]): string {
  return listText(stores.map((s) => storeName(s.id)));
}
