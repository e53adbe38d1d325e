/** Commands on links: cut and clogged ones, those with a loss or latency of their own, partitions, filters. */
import { clone, create } from "@bufbuild/protobuf";
import { partition, setFilters, setLinks, setNetwork } from "../action";
import { linkInit } from "../faults";
import { linkState, linkStates, type LinkState } from "../links";
import { noCluster } from "../state";
import { listText } from "../text";
import { filterWords, networkWords, splitWords, wayWords } from "../words/fault";
import { storeName } from "../words/names";
import {
  FilterDeed,
  FilterSchema,
  MessageType,
  NetworkSchema,
  PartitionKind,
  type Network,
} from "../../pb/sessionpb/v1/fault_pb";
import { act, type FaultCommand } from "./deed";
import { regionIdOf, storeIdOf, type CommandLimits } from "./limits";
import { bytesOf, microsOf, ppmOf } from "./quantity";
import { Wrong, type Token } from "./token";

/** One direction. */
interface Way {
  readonly from: number;
  readonly to: number;
}

const arrow = /^(?:>|->|→)$/;
const others = /^(?:…|\.{2,3}|others|all)$/i;

/** Words apart also at arrows and bars: "S1>S2" is three. */
export function apart(words: readonly Token[]): readonly string[] {
  return words.flatMap((w) => w.text.split(/(->|→|>|\||,)/)).filter((w) => w !== "" && w !== ",");
}

function config(limits: CommandLimits) {
  return (limits.cluster ?? noCluster).config;
}

/** "S1 > S2": one way; "S1 S2": both ways between all that are named. */
function waysOf(words: readonly string[], limits: CommandLimits, example: string): readonly Way[] {
  const at = words.findIndex((w) => arrow.test(w));
  if (at < 0) {
    const ids = storesOf(words, limits);
    if (ids.length < 2) throw new Wrong(`A link is between two stores, for example: ${example} S1 S2, or one way: ${example} S1 > S2`);
    return ids.flatMap((from) => ids.filter((to) => to !== from).map((to) => ({ from, to })));
  }
  const { left, right } = sidesOf(words, at, limits, example);
  return left.flatMap((from) => right.map((to) => ({ from, to })));
}

function sidesOf(words: readonly string[], at: number, limits: CommandLimits, example: string) {
  const left = storesOf(words.slice(0, at), limits);
  const rest = words.slice(at + 1);
  const right = rest.length === 0 || others.test(rest[0]) ? limits.storeIds.filter((id) => !left.includes(id)) : storesOf(rest, limits);
  if (left.length === 0 || right.length === 0) throw new Wrong(`An arrow stands between stores, for example: ${example} S1 > S2`);
  const twice = left.find((id) => right.includes(id));
  if (twice !== undefined) throw new Wrong(`${storeName(twice)} is on both ends of the link`);
  return { left, right };
}

function storesOf(words: readonly string[], limits: CommandLimits): number[] {
  const ids = words.map((w) => storeIdOf(w, limits));
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice !== undefined) throw new Wrong(`${storeName(twice)} is named twice`);
  return ids;
}

/** "S1 → S2", "S1 and S2 both ways", "6 links". */
function waysWords(ways: readonly Way[]): string {
  if (ways.length === 1) return wayWords(ways[0].from, ways[0].to);
  const [{ from, to }] = ways;
  if (ways.length === 2 && ways[1].from === to && ways[1].to === from) return `${storeName(from)} ↔ ${storeName(to)}`;
  return ways.length <= 3 ? listText(ways.map((w) => wayWords(w.from, w.to))) : `${ways.length} links`;
}

function change(ways: readonly Way[], limits: CommandLimits, to: (link: LinkState) => LinkState, words: string): FaultCommand {
  return act(setLinks(ways.map((way) => linkInit(to(linkState(config(limits), way.from, way.to))))), words);
}

const isAre = (ways: readonly Way[]) => (ways.length === 1 || (ways.length === 2 && ways[0].from === ways[1].to) ? "is" : "are");

export function linkCommand(name: string, given: readonly Token[], limits: CommandLimits): FaultCommand | null {
  const words = apart(given);
  switch (name) {
    case "cut": {
      const ways = waysOf(words, limits, "cut");
      return change(ways, limits, (l) => ({ ...l, cut: true }), `${waysWords(ways)} ${isAre(ways)} cut`);
    }
    case "clog": {
      const ways = waysOf(words, limits, "clog");
      return change(ways, limits, (l) => ({ ...l, clogged: true }), `${waysWords(ways)} ${isAre(ways)} clogged`);
    }
    case "mend": {
      const all = linkStates(config(limits)?.links ?? []);
      const ways = words.length === 0 ? all : waysOf(words, limits, "mend");
      if (ways.length === 0) throw new Wrong("Every link is as it should be; there is nothing to mend");
      const what = words.length === 0 ? "All links" : waysWords(ways);
      const healed = (l: LinkState): LinkState => ({ ...l, cut: false, clogged: false, network: null });
      return change(ways, limits, healed, `${what} ${words.length === 0 ? "are" : isAre(ways)} mended`);
    }
    case "loss":
    case "latency":
    case "jitter":
    case "duplicates":
    case "reorder":
    case "tail":
    case "bandwidth":
      return quality(name, words, limits);
    case "partition":
    case "ring":
    case "bridge":
      return parted(name, words, limits);
    case "lose":
      return filter(FilterDeed.LOSE, words, limits);
    case "filters":
      if (words.length !== 1 || words[0].toLowerCase() !== "off") throw new Wrong("filters takes off, which ends every filter: filters off");
      return act(setFilters([]), "No filters any more");
    default:
      return null;
  }
}

/** A link's own loss, latency and so on; without a link every one's. */
function quality(name: string, words: readonly string[], limits: CommandLimits): FaultCommand {
  const usual = config(limits)?.network ?? create(NetworkSchema);
  const values = words.filter((w) => /^\d/.test(w) && !isStore(w, words));
  const rest = words.filter((w) => !values.includes(w));
  const takes = name === "tail" ? 2 : name === "latency" ? values.length || 1 : 1;
  if (values.length !== takes || values.length > 2) throw new Wrong(`${name} takes ${qualities[name].takes}, for example: ${qualities[name].example}`);
  const set = (n: Network): Network => withQuality(name, clone(NetworkSchema, n), values);
  if (rest.length === 0) {
    const network = set(usual);
    return act(setNetwork(network), `Every link has ${networkWords(network)}`);
  }
  const ways = waysOf(rest, limits, `${name} ${values.join(" ")}`);
  const to = (l: LinkState): LinkState => ({ ...l, network: set(l.network ?? usual) });
  const first = to(linkState(config(limits), ways[0].from, ways[0].to));
  return change(ways, limits, to, `${waysWords(ways)} ${isAre(ways) === "is" ? "has" : "have"} ${networkWords(first.network!)}`);
}

/** A bare number next to an arrow or after a store is a store. */
function isStore(word: string, words: readonly string[]): boolean {
  if (!/^\d{1,4}$/.test(word)) return false;
  const at = words.indexOf(word);
  return at > 0 && (arrow.test(words[at - 1]) || arrow.test(words[at + 1] ?? ""));
}

const qualities: Record<string, { takes: string; example: string }> = {
  loss: { takes: "a share and, if not for all, a link", example: "loss 20% S1 > S2" },
  latency: { takes: "a time, if wanted a jitter, and a link", example: "latency 50ms 10ms S1 > S2" },
  jitter: { takes: "a time and, if not for all, a link", example: "jitter 10ms S1 > S2" },
  duplicates: { takes: "a share and, if not for all, a link", example: "duplicates 5% S1 S2" },
  reorder: { takes: "a share and, if not for all, a link", example: "reorder 5% S1 S2" },
  tail: { takes: "a share and how much longer those take", example: "tail 1% 2s" },
  bandwidth: { takes: "so many bytes a second and, if not for all, a link", example: "bandwidth 64KiB S1 S2" },
};

function withQuality(name: string, n: Network, [first, second]: readonly string[]): Network {
  switch (name) {
    case "loss":
      n.lossPpm = ppmOf(first, "A loss");
      break;
    case "latency": {
      n.latencyMicros = BigInt(microsOf(first, "A latency"));
      if (second !== undefined) n.jitterMicros = BigInt(microsOf(second, "A jitter"));
      // A message cannot arrive before it was sent.
      else if (n.jitterMicros >= n.latencyMicros) n.jitterMicros = n.latencyMicros / 2n;
      break;
    }
    case "jitter":
      n.jitterMicros = BigInt(microsOf(first, "A jitter"));
      break;
    case "duplicates":
      n.duplicatePpm = ppmOf(first, "A share of duplicates");
      break;
    case "reorder":
      n.reorderPpm = ppmOf(first, "A share of late messages");
      break;
    case "tail":
      n.slowPpm = ppmOf(first, "A share of slow messages");
      n.slowMicros = BigInt(microsOf(second, "How much longer they take"));
      break;
    default:
      n.bytesPerSecond = BigInt(bytesOf(first, "A bandwidth"));
  }
  return n;
}

function parted(name: string, words: readonly string[], limits: CommandLimits): FaultCommand {
  const all = limits.storeIds;
  const cut = (kind: PartitionKind, sides: readonly (readonly number[])[]) => act(partition(kind, sides), capital(splitWords({ kind, sides })));
  if (name === "ring") {
    if (all.length < 4) throw new Wrong("A ring of fewer than four stores cuts nothing");
    const order = words.length > 0 ? storesOf(words, limits) : all;
    return cut(PartitionKind.RING, [[...order, ...all.filter((id) => !order.includes(id))]]);
  }
  const sides = groups(words, "|").map((side) => (side.some((w) => arrow.test(w)) ? [] : storesOf(side, limits)));
  if (name === "bridge") {
    const middle = sides[0] ?? [];
    const rest = all.filter((id) => !middle.includes(id));
    if (middle.length === 0 || rest.length < 2) throw new Wrong("bridge takes the store that still hears all, for example: bridge S3");
    const half = Math.ceil(rest.length / 2);
    const named = sides.slice(1);
    return cut(PartitionKind.BRIDGE, named.length > 1 ? unique([middle, ...named]) : [middle, rest.slice(0, half), rest.slice(half)]);
  }
  const at = words.findIndex((w) => arrow.test(w));
  if (at >= 0) {
    const { left, right } = sidesOf(words, at, limits, "partition");
    if (left.length + right.length < all.length) {
      throw new Wrong(`One way a partition is against all others: partition ${left.map(storeName).join(" ")} > others; for single links: cut ${words.join(" ")}`);
    }
    return cut(PartitionKind.ONE_WAY, [left, right]);
  }
  if (sides.length === 0 || sides.some((side) => side.length === 0)) {
    throw new Wrong("partition takes the sides, for example: partition S1 S2 | S3 S4 S5, or one way: partition S1 > others");
  }
  // Who is not named is the other side.
  const rest = all.filter((id) => !sides.some((side) => side.includes(id)));
  const whole = sides.length === 1 ? [...sides, rest] : sides;
  if (whole.some((side) => side.length === 0)) throw new Wrong("That is every store: nobody is left for the other side");
  const alone = sides.length === 1 ? [] : rest.map((id) => [id]);
  return cut(PartitionKind.SYMMETRIC, unique([...whole, ...alone]));
}

function unique(sides: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const seen = new Set<number>();
  for (const id of sides.flat()) {
    if (seen.has(id)) throw new Wrong(`${storeName(id)} is on two sides`);
    seen.add(id);
  }
  return sides;
}

function groups(words: readonly string[], bar: string): string[][] {
  const out: string[][] = [[]];
  for (const word of words) {
    if (word === bar) out.push([]);
    else out[out.length - 1].push(word);
  }
  return out.length === 1 && out[0].length === 0 ? [] : out;
}

/** Kinds of messages as they are typed. */
export const messageTypes: ReadonlyMap<string, MessageType> = new Map([
  ["append", MessageType.APPEND],
  ["append-response", MessageType.APPEND_RESPONSE],
  ["vote", MessageType.VOTE],
  ["vote-response", MessageType.VOTE_RESPONSE],
  ["pre-vote", MessageType.PRE_VOTE],
  ["pre-vote-response", MessageType.PRE_VOTE_RESPONSE],
  ["heartbeat", MessageType.HEARTBEAT],
  ["heartbeat-response", MessageType.HEARTBEAT_RESPONSE],
  ["snapshot", MessageType.SNAPSHOT],
  ["snapshot-ack", MessageType.SNAPSHOT_ACK],
  ["timeout-now", MessageType.TIMEOUT_NOW],
  ["read-index", MessageType.READ_INDEX],
  ["read-index-response", MessageType.READ_INDEX_RESPONSE],
  ["messages", MessageType.UNSPECIFIED],
]);

const deedNames: Partial<Record<FilterDeed, string>> = {
  [FilterDeed.LOSE]: "lose",
  [FilterDeed.HOLD]: "hold",
  [FilterDeed.DELAY]: "delay",
  [FilterDeed.DUPLICATE]: "duplicate",
};

/** "append-response from S2 to S1 #2"; one more filter, before the others. */
export function filter(deed: FilterDeed, words: readonly string[], limits: CommandLimits): FaultCommand {
  const name = deedNames[deed];
  const made = create(FilterSchema, { deed });
  let typed = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at].toLowerCase();
    const type = messageTypes.get(word.replace(/s$/, "")) ?? messageTypes.get(word);
    if (word === "from" || word === "to") {
      const id = BigInt(storeIdOf(words[++at] ?? "", limits));
      if (word === "from") made.fromStore = id;
      else made.toStore = id;
    } else if (word.startsWith("#")) {
      made.regionId = BigInt(regionIdOf(word.slice(1), limits));
    } else if (type !== undefined && !typed) {
      made.type = type;
      typed = true;
    } else if (deed === FilterDeed.DELAY && /^\d/.test(word)) {
      made.delayMicros = BigInt(microsOf(word, "A delay"));
    } else {
      throw new Wrong(`There is no kind of message ${words[at]}; there are ${[...messageTypes.keys()].slice(0, 8).join(", ")} and more`);
    }
  }
  if (!typed && made.fromStore === 0n && made.toStore === 0n) {
    throw new Wrong(`${name} takes a kind of message, or whose, for example: ${name} append-response from S2`);
  }
  if (made.fromStore !== 0n && made.fromStore === made.toStore) throw new Wrong(`${storeName(Number(made.toStore))} sends nothing to itself`);
  if (deed === FilterDeed.DELAY && made.delayMicros === 0n) {
    throw new Wrong("delay takes a kind of message and a time, for example: delay append 500ms from S1");
  }
  return act(setFilters([made, ...(config(limits)?.filters ?? [])]), capital(filterWords(made)));
}

export function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

