/** What can be typed, as the page lists it and completes it. */
import { clientsWords } from "./clients";
import { readFlags } from "./data";
import { changeFlags } from "./admin";
import { faultCompletions } from "./complete";
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
      { usage: "timeout S3", does: "its election timer fires now" },
      { usage: "crash S2", does: "the store loses what it has not synced; --keep some: a chance part stays; --keep torn: the last write is torn" },
      { usage: "crash S2 before sync", does: "as soon as its next batch is written and not yet synced" },
      { usage: "restart S2", does: "the store comes back with what it had synced; --wiped: with nothing, not even its vote" },
      { usage: "pause S2", does: "it stands still, as in a long garbage collection; resume S2 lets it go on" },
      { usage: "disk S2 full", does: "every write fails; also: write-error, sync-error (the next one fails), slow, ok" },
      { usage: "disk S2 slow 200ms", does: "so long takes a sync" },
      { usage: "clock S2 2x", does: "its clock runs twice as fast; +5s: it jumps; late 50ms: ticks come late; ok: true time" },
    ],
  },
  {
    title: "Network",
    commands: [
      { usage: "cut S1 S2", does: "the two do not hear each other" },
      { usage: "cut S1 > S2", does: "one way: S2 does not hear S1" },
      { usage: "clog S1 > S2", does: "what is sent waits until the link is mended" },
      { usage: "mend S1 S2", does: "the links are as every other again; mend alone: all links" },
      { usage: "loss 20% S1 > S2", does: "of one link; without a link: of all. Also: latency 50ms 10ms, jitter, duplicates, reorder, tail 1% 2s, bandwidth 64KiB" },
      { usage: "partition S1 S2 | S3 S4 S5", does: "the sides do not hear each other" },
      { usage: "partition S1 > others", does: "S1 hears the others, and is not heard" },
      { usage: "ring", does: "each store hears its two neighbours alone" },
      { usage: "bridge S3", does: "S3 hears all; the others fall into two halves that meet only there" },
      { usage: "heal", does: "ends every fault; heal S1 S2 S3: those of these stores and between them" },
    ],
  },
  {
    title: "Messages",
    commands: [
      { usage: "lose append-response from S2", does: "a filter for messages to come; also: hold, delay … 500ms, duplicate; to S3; #2" },
      { usage: "filters off", does: "ends every filter" },
      { usage: "hold 123", does: "message 123 waits where it is; release 123 lets it go on" },
      { usage: "delay 123 500ms", does: "it arrives so much later" },
      { usage: "duplicate 123", does: "a copy of it is sent after it" },
      { usage: "deliver 123", does: "it arrives now; drop 123: it never does" },
    ],
  },
  {
    title: "Clients and verdicts",
    commands: [
      { usage: "clients registers 4", does: "four clients work by themselves on single keys; also: sets, counters, bank" },
      { usage: "clients bank off", does: "ends those on the bank; clients off: all of them" },
      { usage: "recover", does: "asks whether the cluster would recover with a random quorum healed" },
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
  "clients",
  "recover",
  "crash",
  "restart",
  "timeout",
  "pause",
  "resume",
  "disk",
  "clock",
  "cut",
  "clog",
  "mend",
  "loss",
  "latency",
  "jitter",
  "duplicates",
  "reorder",
  "tail",
  "bandwidth",
  "partition",
  "ring",
  "bridge",
  "heal",
  "lose",
  "filters",
  "hold",
  "release",
  "delay",
  "duplicate",
  "drop",
  "deliver",
  "help",
];

const forStores = ["promote", "demote", "remove", "transfer", "status", "crash", "restart", "timeout", "pause", "resume", "disk", "clock"];
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
    if (name === "crash") return fits(["--keep"]);
    if (name === "restart") return fits(["--wiped"]);
    if (forReads.includes(name)) return fits(name === "scan" ? readFlags : readFlags.filter((f) => f !== "--reverse"));
    return forChanges.includes(name) ? fits(changeFlags) : [];
  }
  if (name === "clients") return before.length === 1 ? fits(clientsWords) : before.length === 2 ? fits(["off"]) : [];
  const last = before[before.length - 1];
  if (name === "change" && (last === "change" || /^s\d+$/.test(last))) return fits(["add", "promote", "demote", "remove"]);
  if (last === "add" || last === "learner") {
    const next = nextStoreId(limits);
    const more = next > 0 ? [`S${next}`] : [];
    return fits(last === "learner" ? [...more, ...stores] : [...(name === "change" ? ["learner"] : ["learner", "store"]), ...more, ...stores]);
  }
  if (forStores.includes(last)) return fits(stores);
  return fits(faultCompletions(before, word, stores, limits));
}
