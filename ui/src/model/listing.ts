/** Which of the remembered events a list shows. */
import type { EventGroup, History, HistoryEvent } from "./history";

export interface ListFilter {
  readonly groups: ReadonlySet<EventGroup>;
  /** Only what this region is about, and what is about none; 0: of all regions. */
  readonly regionId: number;
}

export function isListed(event: HistoryEvent, filter: ListFilter): boolean {
  if (!filter.groups.has(event.group)) return false;
  return filter.regionId === 0 || event.regionId === 0 || event.regionId === filter.regionId;
}

/** Listed events up to a moment and not before seqMin, newest first; at most `max`. */
export function listedBefore(history: History, filter: ListFilter, seq: number, max = 2, seqMin = 0): HistoryEvent[] {
  const events = history.events;
  const listed: HistoryEvent[] = [];
  if (events.length === 0) return listed;
  const from = Math.max(0, seqMin - events[0].seq);
  for (let at = Math.min(events.length - 1, seq - events[0].seq); at >= from && listed.length < max; at--) {
    if (isListed(events[at], filter)) listed.push(events[at]);
  }
  return listed;
}

export function listedTotal(history: History, filter: ListFilter, seq: number): number {
  let total = 0;
  for (const event of history.events) {
    if (event.seq > seq) break;
    if (isListed(event, filter)) total++;
  }
  return total;
}

/** Whether a message of a region has ended its flight after an event. */
export function landedIn(events: readonly HistoryEvent[], after: number, regionId: number): boolean {
  for (let at = events.length - 1; at >= 0 && events[at].seq > after; at--) {
    const event = events[at];
    if ((event.kind === "messageDelivered" || event.kind === "messageLost") && event.regionId === regionId) return true;
  }
  return false;
}
