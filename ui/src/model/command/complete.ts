/** What the last word of a line about faults can become. */
import type { CommandLimits } from "./limits";
import { messageTypes } from "./link";
import { clockStates, diskStates } from "./store";

const onLinks = ["cut", "clog", "mend", "loss", "latency", "jitter", "duplicates", "reorder", "bandwidth", "partition", "ring", "bridge", "heal"];
const onMessages = ["hold", "release", "delay", "duplicate", "drop", "deliver"];
const withKinds = ["lose", "hold", "delay", "duplicate"];
const messagesMax = 4;

export function faultCompletions(before: readonly string[], word: string, stores: readonly string[], limits: CommandLimits): readonly string[] {
  const [name] = before;
  const last = before[before.length - 1];
  const left = stores.filter((s) => !before.includes(s.toLowerCase()));
  if (last === "from" || last === "to") return withKinds.includes(name) ? stores : [];
  if (before.length === 2 && name === "disk") return diskStates;
  if (before.length === 2 && name === "clock") return clockStates;
  if (before.length === 2 && name === "crash") return ["before sync", "--keep"];
  if (before.length === 2 && name === "restart") return ["--wiped"];
  if (name === "crash" && last === "before") return ["sync"];
  if (name === "crash" && last === "--keep") return ["some", "torn"];
  if (name === "filters") return before.length === 1 ? ["off"] : [];
  if (onLinks.includes(name)) {
    const arrows = name === "partition" ? ["|", ">"] : name === "bridge" ? ["|"] : name === "heal" || name === "ring" ? [] : [">"];
    const named = /^s\d+$/.test(last);
    return word === "" && named && !before.some((w) => arrows.includes(w)) ? [...left, ...arrows] : left;
  }
  if (before.length > 1) return withKinds.includes(name) && !/^\d+$/.test(before[1]) ? ["from", "to"] : [];
  const flying = onMessages.includes(name) ? (limits.cluster?.messages ?? []).slice(0, messagesMax).map((m) => String(m.id)) : [];
  return [...flying, ...(withKinds.includes(name) ? messageTypes.keys() : [])];
}
