/** What can be typed, as the page lists it and completes it. */
import { readFlags } from "./data";
import { changeFlags } from "./admin";
import { nextStoreId, type CommandLimits } from "./limits";

export interface CommandHelp {
  readonly usage: string;
  readonly does: string;
}

export interface CommandHelpGroup {
  readonly title: string;
  readonly commands: readonly CommandHelp[];
}

export const commandHelp: readonly CommandHelpGroup[] = [
  {
    title: "Keys",
    commands: [
      { usage: "put city Kyoto", does: "writes a key" },
      { usage: "get city", does: "reads a key; the leader first makes sure that it still leads" },
      { usage: "get city --log", does: "reads through the log, as an entry of its own" },
      { usage: "get city --lease", does: "the leader answers at once, within its lease" },
      { usage: "get city --stale", does: "whatever the store asked has applied; it may be old" },
      { usage: "seek c", does: "the first key at or after this one" },
      { usage: "scan a z 10", does: "keys from a up to, not including, z; at most 10" },
      { usage: "scan a z 10 --reverse", does: "from the end down" },
      { usage: "delete city", does: "removes a key" },
      { usage: "put city Oslo if city = Kyoto", does: "only if that holds; also: if absent city" },
      { usage: "put a 1; put b 2", does: "several at once, all or nothing" },
      { usage: "@S2 get city", does: "sends the command to that store" },
    ],
  },
  {
    title: "Regions and members",
    commands: [
      { usage: "split m", does: "two regions of one: the keys from m on become a region of their own" },
      { usage: "add learner S6", does: "S6 gets the data and no vote; a store that does not exist yet is added first" },
      { usage: "promote S6", does: "a learner becomes a voter" },
      { usage: "add S6", does: "a new voter at once" },
      { usage: "demote S3", does: "a voter becomes a learner" },
      { usage: "remove S2", does: "S2 leaves the region; with --force even if those left may have no quorum" },
      { usage: "change add S6 remove S2", does: "several at once, through a joint configuration" },
      { usage: "change add S6 remove S2 --explicit", does: "the same, but it stays joint until leave" },
      { usage: "leave", does: "leaves the joint configuration" },
      { usage: "transfer S4", does: "the leader hands over to S4" },
      { usage: "compact", does: "drops the log's entries that are applied; compact 40: those up to 40" },
      { usage: "#2 compact", does: "for region 2, when no key tells the region; also: region 2 compact" },
    ],
  },
  {
    title: "Stores",
    commands: [
      { usage: "add store", does: "one more store, without any data" },
      { usage: "status S2", does: "what a store knows of its region" },
      { usage: "crash S2", does: "the store loses what it has not synced" },
      { usage: "restart S2", does: "the store comes back with what it had synced" },
      { usage: "timeout S3", does: "its election timer fires now" },
    ],
  },
];

/** The words a line may begin with. */
export const commandNames: readonly string[] = [
  "put",
  "get",
  "seek",
  "scan",
  "delete",
  "split",
  "add",
  "promote",
  "demote",
  "remove",
  "change",
  "leave",
  "transfer",
  "compact",
  "status",
  "crash",
  "restart",
  "timeout",
  "help",
];

const forStores = ["promote", "demote", "remove", "transfer", "status", "crash", "restart", "timeout"];
const forReads = ["get", "seek", "scan"];
const forChanges = ["add", "promote", "demote", "remove", "change"];

/** What the last word of a line can become; a line that ends in a blank begins a new word. */
export function completions(line: string, limits: CommandLimits): readonly string[] {
  const words = line.trimStart().split(/\s+/);
  const word = words[words.length - 1].toLowerCase();
  let before = words.slice(0, -1).map((w) => w.toLowerCase());
  while (before.length > 0 && /^[@#]/.test(before[0])) before = before.slice(1);
  if (before[0] === "region" && before.length > 1) before = before.slice(2);
  const fits = (all: readonly string[]) => all.filter((c) => c.toLowerCase().startsWith(word) && c.toLowerCase() !== word);
  const stores = limits.storeIds.map((id) => `S${id}`);
  if (word.startsWith("@") && before.length === 0) return fits(stores.map((s) => `@${s}`));
  if (word.startsWith("#")) return fits(limits.regionIds.map((id) => `#${id}`));
  if (before.length === 0) return word === "" ? [] : fits(commandNames);
  const [name] = before;
  if (word.startsWith("--")) {
    if (forReads.includes(name)) return fits(name === "scan" ? readFlags : readFlags.filter((f) => f !== "--reverse"));
    return forChanges.includes(name) ? fits(changeFlags) : [];
  }
  const last = before[before.length - 1];
  if (name === "change" && (last === "change" || /^s\d+$/.test(last))) return fits(["add", "promote", "demote", "remove"]);
  if (last === "add" || last === "learner") {
    const next = nextStoreId(limits);
    const more = next > 0 ? [`S${next}`] : [];
    return fits(last === "learner" ? [...more, ...stores] : [...(name === "change" ? ["learner"] : ["learner", "store"]), ...more, ...stores]);
  }
  return forStores.includes(last) ? fits(stores) : [];
}
