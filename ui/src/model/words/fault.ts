/** Faults in words: of links, messages, disks, clocks and processes. */
import { HoldReason, type Event } from "../../pb/sessionpb/v1/event_pb";
import {
  CrashKeeps,
  CrashMoment,
  DiskFault,
  FilterDeed,
  MessageType,
  PartitionKind,
  type Disk,
  type Filter,
  type Network,
} from "../../pb/sessionpb/v1/fault_pb";
import { rateText, runsTrue, skewMicros } from "../clock";
import type { LinkState, Split } from "../links";
import type { Message, Store, StoreClock } from "../state";
import { bytesText, durationText, listText, sizeText } from "../text";
import { messageTitle, messageTypeWords } from "./message";
import { percentText, storeName, storeNames } from "./names";

type Body<K> = Extract<Event["body"], { case: K }>["value"];

export function wayWords(from: number, to: number): string {
  return `${storeName(from)} → ${storeName(to)}`;
}

// Messages.

export function heldWords(m: Message | null, held: Body<"messageHeld">): string {
  const what = m ? `The ${messageTitle(m)}` : `Message ${held.id}`;
  switch (held.reason) {
    case HoldReason.CLOGGED:
      return `${what} waits: ${m ? `the link ${wayWords(m.from, m.to)}` : "the link"} is clogged`;
    case HoldReason.PAUSED:
      return `${what} waits at the door: ${m ? storeName(m.to) : "the store"} is paused`;
    case HoldReason.FILTER:
      return `${what} is held by a filter`;
    default:
      return `${what} is held by hand`;
  }
}

/** Why a message waits, in few words: for labels and tooltips. */
export function holdReasonWords(m: Message): string {
  switch (m.held) {
    case HoldReason.BY_HAND:
      return "held by hand";
    case HoldReason.FILTER:
      return "held by a filter";
    case HoldReason.CLOGGED:
      return "waits: the link is clogged";
    case HoldReason.PAUSED:
      return `waits: ${storeName(m.to)} is paused`;
    default:
      return "";
  }
}

export function rescheduledWords(m: Message | null, id: bigint, dueMicros: number, nowMicros: number): string {
  const what = m ? `The ${messageTitle(m)}` : `Message ${id}`;
  const arrives = `arrives in ${durationText(Math.max(0, dueMicros - nowMicros))}`;
  return m && m.held === HoldReason.UNSPECIFIED ? `${what} is delayed: it ${arrives}` : `${what} travels on and ${arrives}`;
}

// Stores.

export function crashWords(who: string, crash: Body<"storeCrashed">): string {
  const { batchesLost, bytesLost, batchesKept, keeps } = crash;
  const lost =
    batchesLost === 0
      ? "nothing unsynced was lost"
      : `${batchesLost} unsynced ${batchesLost === 1 ? "batch" : "batches"} (${sizeText(bytesLost)}) lost`;
  const torn = keeps === CrashKeeps.ALL_BUT_TORN && batchesLost > 0 ? ", the last one torn" : "";
  const kept = batchesKept > 0 ? `; ${batchesKept} unsynced ${batchesKept === 1 ? "batch is" : "batches are"} there all the same` : "";
  return `${who} crashes; ${lost}${torn}${kept}`;
}

export const wipedWords = "on an empty disk: it has forgotten every vote it gave and every entry it acknowledged";

export function armedWords(who: string, armed: Body<"faultArmed">, before: Store | null): string {
  const parts: string[] = [];
  if (!before || armed.diskFault !== before.diskFault) {
    if (armed.diskFault !== DiskFault.UNSPECIFIED) parts.push(diskFaultWords(`${who}'s`, armed.diskFault));
    else if (before) parts.push(`${who}'s disk fault is over`);
  }
  if (!before || armed.crashMoment !== before.crashMoment || armed.crashKeeps !== before.crashKeeps) {
    if (armed.crashMoment !== CrashMoment.UNSPECIFIED) parts.push(crashArmedWords(who, armed.crashKeeps));
    else if (before && before.crashMoment !== CrashMoment.UNSPECIFIED) parts.push(`${who} no longer waits to crash before a sync`);
  }
  return parts.join("; ") || `Nothing is armed at ${who} any more`;
}

/** whose: "S2's". */
export function diskFaultWords(whose: string, fault: DiskFault): string {
  switch (fault) {
    case DiskFault.WRITE_ERROR:
      return `${whose} next write will fail`;
    case DiskFault.SYNC_ERROR:
      return `${whose} next sync will fail`;
    case DiskFault.FULL:
      return `${whose} disk is full: every write fails`;
    default:
      return `${whose} disk works as it should`;
  }
}

export function crashArmedWords(who: string, keeps: CrashKeeps): string {
  return `${who} will crash when its next batch is written and not yet synced${keepsWords(keeps)}`;
}

function keepsWords(keeps: CrashKeeps): string {
  switch (keeps) {
    case CrashKeeps.SOME:
      return "; a chance part of it stays";
    case CrashKeeps.ALL_BUT_TORN:
      return "; its last write is torn";
    default:
      return "";
  }
}

export function clockSetWords(who: string, clock: StoreClock, jumpMicros: number, before: Store | null): string {
  const parts: string[] = [];
  if (jumpMicros !== 0) parts.push(`jumps ${durationText(Math.abs(jumpMicros))} ${jumpMicros > 0 ? "ahead" : "back"}`);
  const changed = !before || before.clock.ratePpm !== clock.ratePpm || before.clock.lateMicros !== clock.lateMicros;
  if (changed || parts.length === 0) parts.push(...runWords(clock));
  const skew = skewWords(skewMicros(clock, clock.atMicros));
  return `${who}'s clock ${parts.join(" and ")}${skew ? `; it is ${skew}` : ""}`;
}

function runWords(clock: StoreClock): string[] {
  const late = clock.lateMicros > 0 ? [`ticks late by up to ${durationText(clock.lateMicros)}`] : [];
  if (runsTrue(clock)) return ["keeps true time"];
  return [...(clock.ratePpm !== 1_000_000 ? [`runs at ${rateText(clock.ratePpm)}`] : []), ...late];
}

/** "5 s ahead", "300 ms behind"; empty when it is right. */
export function skewWords(micros: number): string {
  if (Math.abs(micros) < 500) return "";
  return `${durationText(Math.abs(micros))} ${micros > 0 ? "ahead" : "behind"}`;
}

/** What is odd about a clock: "runs at 2×, 1.2 s ahead"; empty when nothing is. */
export function clockWords(clock: StoreClock, nowMicros: number): string {
  const skew = skewWords(skewMicros(clock, nowMicros));
  return [...(runsTrue(clock) ? [] : runWords(clock)), ...(skew ? [skew] : [])].join(", ");
}

// Settings.

/** "latency 20 ms ± 5 ms, loss 2 %", and of the rarer knobs those that are on. */
export function networkWords(n: Network): string {
  const parts = [
    `latency ${durationText(Number(n.latencyMicros))} ± ${durationText(Number(n.jitterMicros))}`,
    `loss ${percentText(n.lossPpm)}`,
  ];
  if (n.slowPpm > 0) parts.push(`${percentText(n.slowPpm)} slower by ${durationText(Number(n.slowMicros))}`);
  if (n.duplicatePpm > 0) parts.push(`${percentText(n.duplicatePpm)} arrive twice`);
  if (n.reorderPpm > 0) parts.push(`${percentText(n.reorderPpm)} overtaken`);
  if (n.bytesPerSecond > 0n) parts.push(`${sizeText(Number(n.bytesPerSecond))}/s`);
  return parts.join(", ");
}

export function diskWords(d: Disk): string {
  const jitter = d.jitterMicros > 0n ? `, up to ${durationText(Number(d.jitterMicros))} more` : "";
  return `write ${durationText(Number(d.writeMicros))}, fsync ${durationText(Number(d.fsyncMicros))}${jitter}`;
}

export function linkWords(link: LinkState): string {
  const parts = [
    ...(link.cut ? ["is cut"] : []),
    ...(link.clogged ? ["is clogged"] : []),
    ...(link.network ? [`has ${networkWords(link.network)}`] : []),
  ];
  return `${wayWords(link.from, link.to)} ${listText(parts) || "is like every other link"}`;
}

/** "partition: S1, S2 | S3, S4, S5". */
export function splitWords(split: Split): string {
  const [first] = split.sides;
  switch (split.kind) {
    case PartitionKind.ONE_WAY:
      return `${storeNames(first)} ${first.length === 1 ? "hears" : "hear"} the others, but ${first.length === 1 ? "is" : "are"} not heard`;
    case PartitionKind.RING:
      return `ring: each store hears its two neighbours alone (${first.map(storeName).join(" – ")})`;
    case PartitionKind.BRIDGE:
      return `${storeNames(first)} ${first.length === 1 ? "is" : "are"} the bridge between ${sidesText(split.sides.slice(1))}`;
    default:
      return `partition: ${sidesText(split.sides)}`;
  }
}

function sidesText(sides: readonly (readonly number[])[]): string {
  return sides.map(storeNames).join(" | ");
}

/** "append responses from S2 to S1 are lost". */
export function filterWords(filter: Filter): string {
  const type = filter.type === MessageType.UNSPECIFIED ? "messages" : `${messageTypeWords(filter.type)}s`;
  const region = filter.regionId > 0n ? ` of region ${filter.regionId}` : "";
  const from = filter.fromStore > 0n ? ` from ${storeName(Number(filter.fromStore))}` : "";
  const to = filter.toStore > 0n ? ` to ${storeName(Number(filter.toStore))}` : "";
  const every = region + from + to === "" && filter.type === MessageType.UNSPECIFIED ? "all " : "";
  return `${every}${type}${region}${from}${to} are ${filterDeedWords(filter)}`;
}

function filterDeedWords(filter: Filter): string {
  switch (filter.deed) {
    case FilterDeed.HOLD:
      return "held";
    case FilterDeed.DELAY:
      return `delayed by ${durationText(Number(filter.delayMicros))}`;
    case FilterDeed.DUPLICATE:
      return "duplicated";
    default:
      return "lost";
  }
}

export function corruptedWords(who: string, corrupted: Body<"diskCorrupted">): string {
  return `A byte of ${bytesText(corrupted.key, 60)}'s value on ${who}'s disk changes, and nobody notices`;
}
