/** What the page says aloud: the words of its polite live region, at a pace that can be followed. */
import type { HistoryEvent } from "../model/history";
import { Role } from "../pb/sessionpb/v1/event_pb";

const sayMillisMin = 1200;

class Announcer {
  words = $state("");

  #saidMillis = -Infinity;
  #timer = 0;
  /** Of what waits to be said; 0 when nothing does. */
  #weight = 0;

  /** At most one announcement in a while; of several the weightiest, and of those the newest. */
  say(words: string, weighing = 1): void {
    if (weighing < this.#weight) return;
    clearTimeout(this.#timer);
    this.#weight = weighing;
    const wait = this.#saidMillis + sayMillisMin - performance.now();
    const say = () => {
      this.#saidMillis = performance.now();
      this.#weight = 0;
      this.words = words;
    };
    if (wait <= 0) say();
    else this.#timer = window.setTimeout(say, wait);
  }
}

/** How much an event is worth saying while time goes on: 0 is nothing, 2 what a class would call out. */
export function weight(event: HistoryEvent): number {
  const body = event.event.body;
  switch (body.case) {
    case "roleChanged":
      if (body.value.role === body.value.roleBefore) return 0;
      return body.value.role === Role.LEADER ? 2 : 1;
    case "regionChanged":
    case "snapshotRestored":
    case "transferStarted":
    case "storeAdded":
    case "settingsChanged":
    case "faultArmed":
    case "clockSet":
      return 1;
    case "storeCrashed":
    case "storeStarted":
    case "storeStopped":
    case "modelLeft":
    case "storePaused":
    case "storeResumed":
      return 2;
    case "violation":
      return 3;
    case "operationEnded":
      // Those of clients that work by themselves would drown the rest.
      return event.group === "workloads" ? 0 : 2;
    default:
      return 0;
  }
}

export const announcer = new Announcer();

/** Among several regions, also which one it is about. */
export function spoken(event: HistoryEvent, many: boolean): string {
  return many && event.regionId > 0 ? `Region ${event.regionId}: ${event.words}` : event.words;
}

/** The newest of the weightiest events after one. */
export function weightiest(events: readonly HistoryEvent[], after: number): HistoryEvent | null {
  let best: HistoryEvent | null = null;
  for (let at = events.length - 1; at >= 0 && events[at].seq > after; at--) {
    if (weight(events[at]) > (best ? weight(best) : 0)) best = events[at];
  }
  return best;
}
