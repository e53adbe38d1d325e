/** What a line can become, as the page offers it while somebody types. */
import { changeFlags } from "./admin";
import { clientsWords } from "./clients";
import { faultCompletions } from "./complete";
import { readFlags } from "./data";
import { nextStoreId, type CommandLimits } from "./limits";

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
