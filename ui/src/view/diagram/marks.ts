/** What stands out along the time: faults, elections and commits, with labels where there is room. */
import type { History, HistoryEvent } from "../../model/history";
import { firstIndexWhere } from "../../model/search";
import { bytesText } from "../../model/text";
import { linkStates, splitOf } from "../../model/links";
import { RegionChangeReason, type FaultArmed } from "../../pb/sessionpb/v1/event_pb";
import { CrashMoment, DiskFault } from "../../pb/sessionpb/v1/fault_pb";
import type { Frame, TimeWindow } from "./axis";

export type MarkTone = "bad" | "leader" | "good" | "snapshot" | "quiet";

export interface Mark {
  readonly seq: number;
  readonly x: number;
  readonly tone: MarkTone;
  /** Faults are dashed. */
  readonly dashed: boolean;
  /** The lane it stands on; null: all of them. */
  readonly y: number | null;
  readonly label: string;
  /** null: no room for the label. */
  readonly labelX: number | null;
  readonly event: HistoryEvent;
}

/** A commit on the lane where it happened. */
export interface Commit {
  readonly seq: number;
  readonly x: number;
  readonly y: number;
  readonly index: number;
  readonly label: string;
}

interface Wanted {
  readonly event: HistoryEvent;
  readonly label: string;
  readonly tone: MarkTone;
  readonly dashed: boolean;
  /** The lower, the sooner it gets its label. */
  readonly rank: number;
}

function wanted(event: HistoryEvent): Wanted | null {
  const who = `S${event.storeId}`;
  const body = event.event.body;
  switch (body.case) {
    case "violation":
      return { event, label: body.value.judge, tone: "bad", dashed: false, rank: 0 };
    case "modelLeft":
      return { event, label: "outside Raft's promise", tone: "bad", dashed: true, rank: 1 };
    case "storeCrashed":
      return { event, label: `${who} crashes`, tone: "bad", dashed: true, rank: 1 };
    case "storeStopped":
      return { event, label: `${who} stops`, tone: "bad", dashed: true, rank: 1 };
    case "roleChanged":
      return { event, label: `${who} leads term ${body.value.term}`, tone: "leader", dashed: false, rank: 2 };
    case "storeStarted":
      return body.value.wiped
        ? { event, label: `${who} restarts empty`, tone: "bad", dashed: true, rank: 1 }
        : { event, label: `${who} restarts`, tone: "good", dashed: true, rank: 3 };
    case "timedOut":
      return { event, label: `${who} timed out`, tone: "quiet", dashed: true, rank: 4 };
    case "settingsChanged":
      return settingsMark(event);
    case "storePaused":
      return { event, label: `${who} is paused`, tone: "bad", dashed: true, rank: 1 };
    case "storeResumed":
      return { event, label: `${who} goes on`, tone: "good", dashed: true, rank: 3 };
    case "faultArmed":
      return { event, label: armedLabel(who, body.value), tone: "quiet", dashed: true, rank: 4 };
    case "clockSet":
      return { event, label: `${who}'s clock`, tone: "quiet", dashed: true, rank: 4 };
    case "diskCorrupted":
      return { event, label: `${who}'s disk lies`, tone: "bad", dashed: true, rank: 1 };
    case "electionTimeoutSet":
      return { event, label: `${who} timeout set`, tone: "quiet", dashed: true, rank: 6 };
    case "storeAdded":
      return { event, label: `${who} joins the cluster`, tone: "quiet", dashed: true, rank: 3 };
    case "transferStarted":
      return { event, label: `${who} hands over to S${body.value.toStore}`, tone: "leader", dashed: true, rank: 3 };
    case "snapshotRestored":
      return { event, label: `${who} takes a snapshot`, tone: "snapshot", dashed: true, rank: 3 };
    case "logCompacted":
      return { event, label: `compacted to ${body.value.firstIndex - 1n}`, tone: "quiet", dashed: true, rank: 5 };
    case "regionChanged": {
      const split = body.value.reason === RegionChangeReason.SPLIT;
      const label = split ? `split at ${bytesText(body.value.region?.endKey ?? new Uint8Array(), 16)}` : "members change";
      return { event, label, tone: "good", dashed: true, rank: 2 };
    }
    default:
      return null;
  }
}

/** Of the settings only what the network does is worth a word of its own. */
function settingsMark(event: HistoryEvent): Wanted {
  const body = event.event.body;
  const links = body.case === "settingsChanged" ? linkStates(body.value.links) : [];
  const last = links.reduce((most, l) => Math.max(most, l.from, l.to), 0);
  const stores = Array.from({ length: last }, (_, i) => i + 1);
  const cuts = links.filter((l) => l.cut).length;
  if (cuts > 2 && splitOf(links, stores)) return { event, label: "partition", tone: "bad", dashed: true, rank: 1 };
  if (cuts > 0) return { event, label: cuts === 1 ? "a link is cut" : "links are cut", tone: "bad", dashed: true, rank: 2 };
  return { event, label: links.length > 0 ? "links" : "settings", tone: "quiet", dashed: true, rank: 5 };
}

function armedLabel(who: string, armed: FaultArmed): string {
  if (armed.diskFault === DiskFault.FULL) return `${who}'s disk full`;
  if (armed.crashMoment !== CrashMoment.UNSPECIFIED) return `${who} to crash`;
  return armed.diskFault === DiskFault.UNSPECIFIED ? `${who}'s disk mended` : `${who}'s disk to fail`;
}

/** What every store does at its own time is marked where it happens first. */
function onceKey(event: HistoryEvent): string {
  const body = event.event.body;
  switch (body.case) {
    case "logCompacted":
      return `compacted ${body.value.firstIndex}`;
    case "regionChanged":
      return `changed ${body.value.index}`;
    default:
      return "";
  }
}

const marksMax = 200;

export function marksOf(
  history: History,
  regionId: number,
  window: TimeWindow,
  x: (micros: number) => number,
  y: ReadonlyMap<number, number>,
  frame: Frame,
  widthOf: (text: string) => number,
): readonly Mark[] {
  // A label may reach into the window from a mark just before it.
  const before = (window.toMicros - window.fromMicros) * 0.02;
  const found: Wanted[] = [];
  const once = new Set<string>();
  for (const list of [history.marks, history.elections]) {
    const first = firstIndexWhere(list, (e) => e.timeMicros >= window.fromMicros - before);
    for (let i = first; i < list.length && list[i].timeMicros <= window.toMicros; i++) {
      const event = list[i];
      if (event.regionId !== regionId && event.regionId !== 0) continue;
      const key = onceKey(event);
      if (key !== "" && once.has(key)) continue;
      once.add(key);
      const mark = wanted(event);
      if (mark) found.push(mark);
    }
  }
  const taken: [number, number][] = [];
  const labels = new Map<Wanted, number>();
  const right = frame.width - frame.right;
  for (const mark of [...found].sort((a, b) => a.rank - b.rank || b.event.seq - a.event.seq).slice(0, marksMax)) {
    const width = widthOf(mark.label);
    const at = x(mark.event.timeMicros);
    if (at < frame.left) continue;
    // To the right of its line; where the picture ends, to the left.
    const from = at + 5 + width <= right ? at + 5 : at - 5 - width;
    if (from < frame.left || taken.some(([a, b]) => from < b + 8 && a < from + width + 8)) continue;
    taken.push([from, from + width]);
    labels.set(mark, from);
  }
  return found
    .map(
      (mark): Mark => ({
        seq: mark.event.seq,
        x: x(mark.event.timeMicros),
        tone: mark.tone,
        dashed: mark.dashed,
        y: y.get(mark.event.storeId) ?? null,
        label: mark.label,
        labelX: labels.get(mark) ?? null,
        event: mark.event,
      }),
    )
    .filter((mark) => mark.x >= frame.left)
    .sort((a, b) => a.x - b.x)
    .slice(-marksMax);
}

const commitsMax = 400;

export function commitsOf(
  history: History,
  regionId: number,
  window: TimeWindow,
  x: (micros: number) => number,
  y: ReadonlyMap<number, number>,
  widthOf: (text: string) => number,
): readonly Commit[] {
  const { events } = history;
  const commits: Commit[] = [];
  // Also just before the window, to know who was the first.
  const first = firstIndexWhere(events, (e) => e.timeMicros >= window.fromMicros - 300_000);
  let highest = 0;
  let free = -Infinity;
  for (let i = first; i < events.length && commits.length < commitsMax; i++) {
    const event = events[i];
    if (event.timeMicros > window.toMicros) break;
    const body = event.event.body;
    if (body.case !== "committed") continue;
    // The first store to know that an entry is committed is its leader: the others follow with the next message.
    if (event.regionId !== regionId) continue;
    const index = Number(body.value.index);
    if (index <= highest) continue;
    highest = index;
    const lane = y.get(event.storeId);
    if (lane === undefined || event.timeMicros < window.fromMicros) continue;
    const at = x(event.timeMicros);
    const text = String(index);
    const fits = at >= free;
    if (fits) free = at + widthOf(text) + 12;
    commits.push({ seq: event.seq, x: at, y: lane, index, label: fits ? text : "" });
  }
  return commits;
}
