/**
 * The stretch of a run that the page remembers, laid out so that the diagram and the list of events draw directly from
 * it. Immutable: extend and cut make new values and share what did not change. Events run without gaps from firstSeq to
 * lastSeq; those after the cluster's own seq lie ahead (a person went back) and are drawn dimmed.
 */
import type { Event } from "../pb/sessionpb/v1/event_pb";
import { Role } from "../pb/sessionpb/v1/event_pb";
import { fold } from "./fold";
import { contextOf, HistoryEvent, type EventKind } from "./history/event";
import { FlightDraft, flightsAt, openFlight, type Flight } from "./history/flight";
import { OperationDraft, operationsAt, spanOf, type OperationSpan } from "./history/operation";
import { RoleDraft, spansAt, spansFrom, type RoleSpans } from "./history/role";
import type { Cluster } from "./state";

export { eventGroups, HistoryEvent, type EventGroup } from "./history/event";
export type { Flight } from "./history/flight";
export type { OperationSpan } from "./history/operation";
export { spanKey, type RoleSpan } from "./history/role";

export interface History {
  /** Ascending by seq, without gaps. */
  readonly events: readonly HistoryEvent[];
  /** Ascending by message id, which is the order of sending. */
  readonly flights: readonly Flight[];
  /** Ascending by operation id, which is the order of their starts. */
  readonly operations: readonly OperationSpan[];
  readonly roleSpans: RoleSpans;
  /** Crashes, restarts, pauses, forced time-outs, changed settings, violations: the diagram's vertical marks. */
  readonly marks: readonly HistoryEvent[];
  /** Role changes to leader. */
  readonly elections: readonly HistoryEvent[];
  /** The state after the last event held. */
  readonly end: Cluster;
}

/** How many events are kept at least; the oldest go in chunks. */
export const historyEventsMax = 12_000;
const historyChunk = 3_000;

const markKinds: ReadonlySet<EventKind> = new Set<EventKind>([
  "storeCrashed",
  "storeStarted",
  "storeStopped",
  "timedOut",
  "settingsChanged",
  "electionTimeoutSet",
  "violation",
  "storeAdded",
  "regionChanged",
  "logCompacted",
  "snapshotRestored",
  "transferStarted",
  "modelLeft",
  "storePaused",
  "storeResumed",
  "faultArmed",
  "clockSet",
  "diskCorrupted",
]);

/** A history that begins with a whole state, from a keyframe. */
export function startHistory(cluster: Cluster): History {
  return {
    events: [],
    flights: cluster.messages.map((m) => openFlight(m, cluster.seq)),
    operations: cluster.operations.map((o) => spanOf(o, cluster.seq)),
    roleSpans: spansFrom(cluster.stores, cluster.timeMicros, cluster.seq),
    marks: [],
    elections: [],
    end: cluster,
  };
}

export function firstSeq(history: History): number {
  return history.events.length > 0 ? history.events[0].seq : history.end.seq + 1;
}

export function lastSeq(history: History): number {
  return history.end.seq;
}

/** The event of that number, if it is still held. */
export function eventAt(history: History, seq: number): HistoryEvent | undefined {
  return history.events[seq - firstSeq(history)];
}

/**
 * Appends events that follow the last one held; those already held are skipped. Folds as it goes, so the caller gets
 * the state after the last event as `end`.
 */
export function extend(history: History, events: readonly Event[]): History {
  const last = lastSeq(history);
  const fresh = events.length > 0 && Number(events[0].seq) > last ? events : events.filter((e) => Number(e.seq) > last);
  if (fresh.length === 0) return history;
  const draft = new Draft(history);
  for (const event of fresh) draft.add(event);
  return draft.finish();
}

/** Drops everything after an event: a branch begins there. `at` is the state just after it. */
export function cut(history: History, at: Cluster): History {
  if (at.seq >= lastSeq(history)) return history;
  if (at.seq < firstSeq(history) - 1) return startHistory(at);
  const keep = (e: HistoryEvent) => e.seq <= at.seq;
  return {
    events: history.events.slice(0, at.seq - firstSeq(history) + 1),
    flights: flightsAt(history.flights, at.seq),
    operations: operationsAt(history.operations, at.seq),
    roleSpans: spansAt(history.roleSpans, at.seq),
    marks: history.marks.filter(keep),
    elections: history.elections.filter(keep),
    end: at,
  };
}

class Draft {
  #events: HistoryEvent[];
  #flights: FlightDraft;
  #operations: OperationDraft;
  #roles: RoleDraft;
  #marks: HistoryEvent[];
  #elections: HistoryEvent[];
  #end: Cluster;

  constructor(history: History) {
    this.#events = history.events.slice();
    this.#flights = new FlightDraft(history.flights);
    this.#operations = new OperationDraft(history.operations);
    this.#roles = new RoleDraft(history.roleSpans);
    this.#marks = history.marks.slice();
    this.#elections = history.elections.slice();
    this.#end = history.end;
  }

  add(event: Event): void {
    const before = this.#end;
    const after = fold(before, event);
    this.#end = after;
    const held = new HistoryEvent(event, contextOf(before, event));
    const { seq, timeMicros } = held;
    this.#events.push(held);
    switch (event.body.case) {
      case "messageSent": {
        const message = after.messages[after.messages.length - 1];
        if (message) this.#flights.send(message, seq);
        break;
      }
      case "messageHeld":
      case "messageRescheduled": {
        const id = Number(event.body.value.id);
        const message = after.messages.find((m) => m.id === id);
        if (message) this.#flights.divert(message, seq);
        break;
      }
      case "messageDelivered":
      case "messageLost":
        this.#flights.land(Number(event.body.value.id), timeMicros, seq, event.body.case === "messageLost" ? "lost" : "delivered");
        break;
      case "operationStarted": {
        const operation = after.operations[after.operations.length - 1];
        if (operation) this.#operations.start(operation, seq);
        break;
      }
      case "operationEnded":
        this.#operations.answer(Number(event.body.value.id), event.body.value.response ?? null, timeMicros, seq);
        break;
      case "roleChanged":
        if (event.body.value.role === Role.LEADER && event.body.value.roleBefore !== Role.LEADER) this.#elections.push(held);
        this.#turn(after, held);
        break;
      case "storeShown":
        if (event.body.value.eventsLeftOut > 0n) this.#landAt(before, held);
        this.#turn(after, held);
        break;
      case "runStarted":
        for (const store of after.stores) this.#roles.turn(store, timeMicros, seq);
        break;
      case "storeCrashed":
      case "storeStarted":
      case "storeStopped":
      case "storePaused":
      case "storeResumed":
      case "peerCreated":
      case "peerDestroyed":
      case "regionChanged":
      case "snapshotRestored":
        this.#turn(after, held);
        break;
    }
    if (markKinds.has(held.kind)) this.#marks.push(held);
  }

  /** Ends what was on its way to a store in the events of it that were left out. */
  #landAt(before: Cluster, { storeId, timeMicros, seq }: HistoryEvent): void {
    for (const message of before.messages) if (message.to === storeId) this.#flights.land(message.id, timeMicros, seq, "delivered");
  }

  #turn(after: Cluster, { storeId, timeMicros, seq }: HistoryEvent): void {
    const store = after.stores.find((s) => s.id === storeId);
    if (store) this.#roles.turn(store, timeMicros, seq);
  }

  finish(): History {
    if (this.#events.length > historyEventsMax + historyChunk) this.#forget();
    return {
      events: this.#events,
      flights: this.#flights.flights,
      operations: this.#operations.operations,
      roleSpans: this.#roles.spans,
      marks: this.#marks,
      elections: this.#elections,
      end: this.#end,
    };
  }

  #forget(): void {
    this.#events = this.#events.slice(-historyEventsMax);
    const from = this.#events[0].seq;
    const keep = (e: HistoryEvent) => e.seq >= from;
    this.#flights.forget(from);
    this.#operations.forget(from);
    this.#roles.forget(from);
    this.#marks = this.#marks.filter(keep);
    this.#elections = this.#elections.filter(keep);
  }
}
