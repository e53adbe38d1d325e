/** Commands on a region: its range, its members, its leader, its log. */
import {
  addLearner,
  addVoter,
  changePeers,
  compactLog,
  leaveJoint,
  removePeer,
  splitRegion,
  transferLeader,
  type PeerChange,
} from "../admin";
import type { RaftCommandRequest } from "../../pb/raftcmdpb/v1/raftcmdpb_pb";
import { key, nextStoreId, regionIdOf, storeIdOf, storeNumber, type CommandLimits } from "./limits";
import { takeFlags, Wrong, type Token } from "./token";

export interface AdminCommand {
  readonly request: RaftCommandRequest;
  /** 0: not said. */
  readonly regionId: number;
  /** So many stores have to be added first. */
  readonly addStores: number;
}

export const changeFlags = ["--explicit", "--force"] as const;

const verbs = ["add", "promote", "demote", "remove"];

/** null when the line is no command of this kind. */
export function adminCommand(name: string, args: readonly Token[], limits: CommandLimits): AdminCommand | null {
  switch (name) {
    case "split":
    case "compact":
    case "transfer":
      return { ...plain(name, args, limits), addStores: 0 };
    case "leave":
    case "change":
    case "add":
    case "promote":
    case "demote":
    case "remove":
      return membership(name, args, limits);
    default:
      return null;
  }
}

function plain(name: string, given: readonly Token[], limits: CommandLimits): Omit<AdminCommand, "addStores"> {
  const { regionId, rest } = takeRegion(takeFlags(given, []).rest, limits);
  switch (name) {
    case "split":
      if (rest.length !== 1) throw new Wrong("split takes the first key of the new region, for example: split m");
      return { regionId, request: splitRegion(key(rest[0], limits)) };
    case "transfer":
      if (rest.length !== 1) throw new Wrong(`transfer takes one store, for example: transfer S${limits.storeIds[0] ?? 1}`);
      return { regionId, request: transferLeader(storeIdOf(rest[0].text, limits)) };
    default: {
      const index = rest[0]?.text ?? "0";
      if (rest.length > 1 || !/^\d{1,15}$/.test(index)) {
        throw new Wrong("compact takes at most the last entry to let go, for example: compact 40");
      }
      return { regionId, request: compactLog(Number(index)) };
    }
  }
}

function membership(name: string, given: readonly Token[], limits: CommandLimits): AdminCommand {
  const { rest: unflagged, flags } = takeFlags(given, name === "leave" ? ["--force"] : changeFlags);
  const { regionId, rest } = takeRegion(unflagged, limits);
  const force = flags.has("--force");
  if (name === "leave") {
    if (rest.length > 0) throw new Wrong("leave takes nothing: it leaves the joint configuration");
    return { regionId, request: leaveJoint(force), addStores: 0 };
  }
  const newest = { id: limits.storeIds[limits.storeIds.length - 1] ?? 0 };
  const words = name === "change" ? rest : [{ text: name, quoted: false }, ...rest];
  const changes = changesOf(words, limits, newest);
  if (name !== "change" && changes.length > 1) throw new Wrong("Several changes at once begin with change: change add S6 remove S2");
  const addStores = Math.max(0, newest.id - (limits.storeIds[limits.storeIds.length - 1] ?? 0));
  return { regionId, request: changePeers(changes, { explicit: flags.has("--explicit"), force }), addStores };
}

function changesOf(words: readonly Token[], limits: CommandLimits, newest: { id: number }): readonly PeerChange[] {
  const changes: PeerChange[] = [];
  const named = new Set<number>();
  for (let at = 0; at < words.length; ) {
    const verb = words[at++].text.toLowerCase();
    if (!verbs.includes(verb)) throw new Wrong("A change reads: add S6, add learner S6, promote S6, demote S3 or remove S2");
    const learner = verb === "add" && words[at]?.text.toLowerCase() === "learner";
    if (learner) at++;
    const word = words[at++]?.text;
    if (word === undefined) throw new Wrong(`${verb} takes a store, for example: ${verb} S${limits.storeIds[0] ?? 1}`);
    const id = verb === "add" ? newStoreIdOf(word, limits, newest) : storeIdOf(word, limits);
    if (named.has(id)) throw new Wrong(`S${id} is named twice; each store changes once`);
    named.add(id);
    if (verb === "remove") changes.push(removePeer(id));
    else if (verb === "demote" || learner) changes.push(addLearner(id));
    else changes.push(addVoter(id));
  }
  if (changes.length === 0) throw new Wrong("change takes one change or several, for example: change add S6 remove S2");
  return changes;
}

/** A store there is, or the next one there can be. */
function newStoreIdOf(text: string, limits: CommandLimits, newest: { id: number }): number {
  const id = storeNumber(text);
  if (limits.storeIds.includes(id) || id === 0) return storeIdOf(text, limits);
  if (nextStoreId(limits) === 0 || newest.id + 1 > limits.storesMax) return storeIdOf(text, limits);
  if (id !== newest.id + 1) throw new Wrong(`There is no store S${id}; the next one is S${newest.id + 1}`);
  newest.id = id;
  return id;
}

/** "#2" or "region 2" anywhere among the words. */
function takeRegion(words: readonly Token[], limits: CommandLimits): { regionId: number; rest: readonly Token[] } {
  const hash = words.findIndex((w) => !w.quoted && /^#\d+$/.test(w.text));
  if (hash >= 0) {
    return { regionId: regionIdOf(words[hash].text.slice(1), limits), rest: words.filter((_, at) => at !== hash) };
  }
  const at = words.findIndex((w, i) => !w.quoted && w.text.toLowerCase() === "region" && /^\d+$/.test(words[i + 1]?.text ?? ""));
  if (at < 0) return { regionId: 0, rest: words };
  return { regionId: regionIdOf(words[at + 1].text, limits), rest: [...words.slice(0, at), ...words.slice(at + 2)] };
}
