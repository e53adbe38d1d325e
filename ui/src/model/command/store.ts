/** Commands on stores (crashes, pauses, disks, clocks) and on messages in flight. */
import {
  crashStore,
  delayMessage,
  deliverMessage,
  dropMessage,
  duplicateMessage,
  failDisk,
  heal,
  holdMessage,
  pauseStore,
  releaseMessage,
  restartStore,
  resumeStore,
  setClock,
  setDisk,
  type Action,
} from "../action";
import { rateText } from "../clock";
import { slowDisk } from "../disk";
import { noCluster } from "../state";
import { durationText, listText } from "../text";
import { crashArmedWords, diskFaultWords, diskWords } from "../words/fault";
import { storeName, storeNames } from "../words/names";
import { CrashKeeps, CrashMoment, DiskFault, FilterDeed } from "../../pb/sessionpb/v1/fault_pb";
import { act, type FaultCommand } from "./deed";
import { storeIdOf, type CommandLimits } from "./limits";
import { apart, filter } from "./link";
import { microsOf } from "./quantity";
import { takeFlags, Wrong, type Token } from "./token";

const keepWords: Record<string, CrashKeeps> = {
  nothing: CrashKeeps.UNSPECIFIED,
  some: CrashKeeps.SOME,
  torn: CrashKeeps.ALL_BUT_TORN,
};

export const diskStates: readonly string[] = ["full", "write-error", "sync-error", "slow", "ok"];
export const clockStates: readonly string[] = ["2x", "0.5x", "+5s", "-5s", "late", "ok"];

const forMessages: Record<string, FilterDeed | null> = {
  hold: FilterDeed.HOLD,
  release: null,
  delay: FilterDeed.DELAY,
  duplicate: FilterDeed.DUPLICATE,
  drop: null,
  deliver: null,
};

export function storeCommand(name: string, given: readonly Token[], limits: CommandLimits): FaultCommand | null {
  if (name in forMessages) return messageCommand(name, apart(given), limits);
  switch (name) {
    case "crash":
      return crash(given, limits);
    case "restart": {
      const { rest, flags } = takeFlags(given, ["--wiped"]);
      const id = only(name, rest, limits);
      const wiped = flags.has("--wiped");
      return act(restartStore(id, wiped), `${storeName(id)} restarts${wiped ? " on an empty disk" : ""}`);
    }
    case "pause": {
      const id = only(name, given, limits);
      return act(pauseStore(id), `${storeName(id)} is paused`);
    }
    case "resume": {
      const id = only(name, given, limits);
      return act(resumeStore(id), `${storeName(id)} goes on`);
    }
    case "heal": {
      const ids = apart(given).map((word) => storeIdOf(word, limits));
      return act(heal(ids), ids.length === 0 ? "Everything is healed" : `${storeNames(ids)} and the links between are healed`);
    }
    case "disk":
      return disk(apart(given), limits);
    case "clock":
      return clock(apart(given), limits);
    default:
      return null;
  }
}

function only(name: string, words: readonly Token[], limits: CommandLimits): number {
  if (words.length !== 1) throw new Wrong(`${name} takes one store, for example: ${name} ${example(limits)}`);
  return storeIdOf(words[0].text, limits);
}

function example(limits: CommandLimits): string {
  return `S${limits.storeIds[0] ?? 1}`;
}

/** "crash S2", "crash S2 before sync", with --keep some or --keep torn. */
function crash(given: readonly Token[], limits: CommandLimits): FaultCommand {
  const at = given.findIndex((w) => !w.quoted && w.text.toLowerCase() === "--keep");
  const keeps = at < 0 ? CrashKeeps.UNSPECIFIED : keepWords[given[at + 1]?.text.toLowerCase() ?? ""];
  if (keeps === undefined) throw new Wrong("--keep takes some or torn: crash S2 --keep some");
  const words = takeFlags(at < 0 ? given : [...given.slice(0, at), ...given.slice(at + 2)], ["--keep"]).rest;
  const when = words.slice(1).map((w) => w.text.toLowerCase()).join(" ");
  if (when !== "" && !/^before f?sync$/.test(when)) {
    throw new Wrong(`A crash comes now or before sync, for example: crash ${example(limits)} before sync`);
  }
  const id = only("crash", words.slice(0, 1), limits);
  const who = storeName(id);
  if (when !== "") return act(crashStore(id, { keeps, moment: CrashMoment.BEFORE_SYNC }), crashArmedWords(who, keeps));
  const left = { [CrashKeeps.UNSPECIFIED]: "", [CrashKeeps.SOME]: "; some of what was not synced stays", [CrashKeeps.ALL_BUT_TORN]: "; its last write is torn" };
  return act(crashStore(id, { keeps }), `${who} crashes${left[keeps]}`);
}

function disk(words: readonly string[], limits: CommandLimits): FaultCommand {
  const [store, state = "", time] = words;
  if (store === undefined || words.length > 3) {
    throw new Wrong(`disk takes a store and ${diskStates.slice(0, -1).join(", ")} or ok, for example: disk ${example(limits)} full`);
  }
  const id = storeIdOf(store, limits);
  const who = storeName(id);
  const cluster = limits.cluster ?? noCluster;
  const own = cluster.config?.disks.some((d) => Number(d.storeId) === id) ?? false;
  const arm = (fault: DiskFault) => act(failDisk(id, fault), diskFaultWords(`${who}'s`, fault));
  const kind = state.toLowerCase();
  if (time !== undefined && kind !== "slow") throw new Wrong(`disk ${who} ${kind} takes no time; disk ${who} slow 200ms does`);
  switch (kind) {
    case "full":
      return arm(DiskFault.FULL);
    case "write-error":
      return arm(DiskFault.WRITE_ERROR);
    case "sync-error":
      return arm(DiskFault.SYNC_ERROR);
    case "slow": {
      const slow = slowDisk(cluster.config, time === undefined ? 0 : microsOf(time, "The time of a sync"));
      return act(setDisk(slow, id), `${who}'s disk: ${diskWords(slow)}`);
    }
    case "ok": {
      const faulty = (cluster.stores.find((s) => s.id === id)?.diskFault ?? DiskFault.UNSPECIFIED) !== DiskFault.UNSPECIFIED;
      const like = setDisk(undefined, id);
      const words = `${who}'s disk works as it should`;
      if (own && !faulty) return act(like, words);
      return act(failDisk(id, DiskFault.UNSPECIFIED), words, ...(own ? [like] : []));
    }
    default:
      throw new Wrong(`A disk is ${diskStates.slice(0, -1).join(", ")} or ok${state ? `, not ${state}` : ""}, for example: disk ${who} full`);
  }
}

function clock(words: readonly string[], limits: CommandLimits): FaultCommand {
  const wrong = () => new Wrong(`clock takes a store and a rate or a jump, for example: clock ${example(limits)} 2x, or clock ${example(limits)} +5s`);
  const [store, ...rest] = words;
  if (store === undefined || rest.length === 0) throw wrong();
  const id = storeIdOf(store, limits);
  const now = (limits.cluster ?? noCluster).stores.find((s) => s.id === id)?.clock;
  let ratePpm = now?.ratePpm ?? 1_000_000;
  let lateMicros = now?.lateMicros ?? 0;
  let jumpMicros = 0;
  const does: string[] = [];
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at].toLowerCase();
    const rate = /^(\d{1,3}(?:\.\d{1,4})?)[x×]$/.exec(word);
    if (rate) {
      ratePpm = Math.round(Number(rate[1]) * 1_000_000);
      if (ratePpm === 0) throw new Wrong("A clock that stands still is a paused store: pause it instead");
      does.push(`runs at ${rateText(ratePpm)}`);
    } else if (/^[+-]/.test(word)) {
      jumpMicros = microsOf(word.slice(1), "A jump") * (word.startsWith("-") ? -1 : 1);
      does.push(`jumps ${durationText(Math.abs(jumpMicros))} ${jumpMicros < 0 ? "back" : "ahead"}`);
    } else if (word === "late") {
      lateMicros = microsOf(rest[++at] ?? "", "How late ticks come");
      does.push(`ticks late by up to ${durationText(lateMicros)}`);
    } else if (word === "ok" || word === "true") {
      ratePpm = 1_000_000;
      lateMicros = 0;
      does.push("keeps true time");
    } else {
      throw wrong();
    }
  }
  return act(setClock(id, { ratePpm, lateMicros: BigInt(lateMicros) }, jumpMicros), `${storeName(id)}'s clock ${listText(does)}`);
}

function messageCommand(name: string, words: readonly string[], limits: CommandLimits): FaultCommand {
  const [first = ""] = words;
  const deed = forMessages[name];
  // "hold append from S1" is about messages to come, "hold 123" about one that flies.
  if (deed !== null && words.length > 0 && !/^\d+$/.test(first)) return filter(deed, words, limits);
  const takesTime = name === "delay";
  if (!/^\d{1,15}$/.test(first) || words.length !== (takesTime ? 2 : 1)) {
    throw new Wrong(`${name} takes a message's number${takesTime ? " and a time" : ""}, for example: ${name} ${limits.cluster?.messages[0]?.id ?? 123}${takesTime ? " 500ms" : ""}`);
  }
  const id = Number(first);
  const message = limits.cluster?.messages.find((m) => m.id === id);
  if (limits.cluster && !message) throw new Wrong(`Message ${id} is not in flight; select one on the stage to see its number`);
  const made: Record<string, () => { action: Action; words: string }> = {
    hold: () => ({ action: holdMessage(id), words: `Message ${id} is held` }),
    release: () => ({ action: releaseMessage(id), words: `Message ${id} travels on` }),
    duplicate: () => ({ action: duplicateMessage(id), words: `Message ${id} is duplicated` }),
    drop: () => ({ action: dropMessage(id), words: `Message ${id} is dropped` }),
    deliver: () => ({ action: deliverMessage(id), words: `Message ${id} is delivered` }),
    delay: () => {
      const micros = microsOf(words[1], "A delay");
      return { action: delayMessage(id, micros), words: `Message ${id} is delayed by ${durationText(micros)}` };
    },
  };
  const { action, words: said } = made[name]();
  return act(action, said);
}
