/** What of a live cluster is told, beside the state of every store, which always is. */
import { MessageType } from "../../pb/sessionpb/v1/fault_pb";
import { isHeartbeat, messageTypeWords } from "../../model/words/message";
import { storeName } from "../../model/words/names";
import { listText } from "../../model/text";
import type { InterestInit } from "../../source/websocket";

export interface Showing {
  /** null: every one, those to come too. Ascending. */
  readonly regions: readonly number[] | null;
  readonly stores: readonly number[] | null;
  /** In the order of messageTypes. */
  readonly without: readonly MessageType[];
  readonly ticks: boolean;
}

export const everything: Showing = { regions: null, stores: null, without: [], ticks: true };

/** In the order in which they are offered: what belongs together stands together. */
export const messageTypes: readonly MessageType[] = [
  MessageType.APPEND,
  MessageType.APPEND_RESPONSE,
  MessageType.HEARTBEAT,
  MessageType.HEARTBEAT_RESPONSE,
  MessageType.STORE_BEAT,
  MessageType.PRE_VOTE,
  MessageType.PRE_VOTE_RESPONSE,
  MessageType.VOTE,
  MessageType.VOTE_RESPONSE,
  MessageType.TIMEOUT_NOW,
  MessageType.READ_INDEX,
  MessageType.READ_INDEX_RESPONSE,
  MessageType.SNAPSHOT,
  MessageType.SNAPSHOT_ACK,
  MessageType.CHECK_PEER,
  MessageType.PEER_GONE,
  MessageType.PEER_REMOVED,
  MessageType.SLEEP,
  MessageType.OTHER,
];

export const heartbeats = messageTypes.filter(isHeartbeat);
/** More than this many are counted instead of named. */
const namedMax = 4;

export function showsEverything({ regions, stores, without, ticks }: Showing): boolean {
  return !regions && !stores && without.length === 0 && ticks;
}

/** The same with other types left out, in their order. */
export function withoutTypes(showing: Showing, types: Iterable<MessageType>): Showing {
  const out = new Set(types);
  return { ...showing, without: messageTypes.filter((t) => out.has(t)) };
}

export function interestOf({ regions, stores, without, ticks }: Showing): InterestInit {
  const ids = (list: readonly number[] | null) => (list ?? []).map(BigInt);
  return { regionIds: ids(regions), storeIds: ids(stores), withoutTypes: [...without], withoutTicks: !ticks };
}

/** What is wrong with a choice, in a sentence; empty when nothing is. */
export function wrongIn({ regions, stores }: Showing): string {
  if (regions?.length === 0) return "No region is ticked: tick at least one, or choose all regions.";
  if (stores?.length === 0) return "No store is ticked: tick at least one, or choose all stores.";
  return "";
}

/** A server's refusal of a choice, in a sentence. */
export function refusedWords(refusal: string): string {
  return `The server refused this: ${refusal.replace(/[.\s]+$/, "")}. What is shown stays as it was.`;
}

/** "region 2 on S1, S3, without heartbeats", "everything but heartbeats and ticks", "everything". */
export function showingWords(showing: Showing): string {
  const { regions, stores } = showing;
  const whose = (regions ? regionsWords(regions) : "everything") + (stores ? ` on ${storesWords(stores)}` : "");
  const out = withoutWords(showing);
  if (out.length === 0) return whose;
  return regions || stores ? `${whose}, without ${listText(out)}` : `${whose} but ${listText(out)}`;
}

function regionsWords(ids: readonly number[]): string {
  if (ids.length === 1) return `region ${ids[0]}`;
  return ids.length > namedMax ? `${ids.length} regions` : `regions ${listText(ids.map(String))}`;
}

function storesWords(ids: readonly number[]): string {
  return ids.length > namedMax ? `${ids.length} stores` : ids.map(storeName).join(", ");
}

function withoutWords({ without, ticks }: Showing): string[] {
  const words: string[] = [];
  if (without.length === messageTypes.length) {
    words.push("messages");
  } else {
    const allBeats = heartbeats.every((t) => without.includes(t));
    const rest = allBeats ? without.filter((t) => !isHeartbeat(t)) : without;
    if (allBeats) words.push("heartbeats");
    if (rest.length > namedMax) words.push(`${rest.length} ${allBeats ? "other " : ""}kinds of messages`);
    else words.push(...rest.map(typesWords));
  }
  if (!ticks) words.push("ticks");
  return words;
}

/** Several of a type: "append responses". A heartbeat that is left out alone is not to be taken for all of them. */
function typesWords(type: MessageType): string {
  switch (type) {
    case MessageType.HEARTBEAT:
      return "leaders' heartbeats";
    case MessageType.PEER_REMOVED:
      return "words of removals";
    case MessageType.OTHER:
      return "other messages";
    default:
      return `${messageTypeWords(type)}s`;
  }
}
