/**
 * The stretch of a run that the page remembers, laid out so that the diagram and the list of events draw directly from
 * it. Immutable: extend and cut make new values and share what did not change. Events run without gaps from firstSeq to
 * lastSeq; those after the cluster's own seq lie ahead (a person went back) and are drawn dimmed.
 */
import type { Event } from "../pb/sessionpb/v1/event_pb";
import { Role } from "../pb/sessionpb/v1/event_pb";
import { MessageType } from "../pb/sessionpb/v1/fault_pb";
import type { RaftCommandResponse } from "../pb/raftcmdpb/v1/raftcmdpb_pb";
import type { Cluster, Message, Operation, Peer, Store } from "./state";
import { fold, messageOf, operationOf } from "./fold";
import { legOf, onLeg, type Leg } from "./journey";
import { isLearner } from "./members";
import { eventWords, isHeartbeat, type EventContext } from "./words";

export type EventKind = NonNullable<Event["body"]["case"]>;

/** What the chips above the list of events turn on and off. */
export type EventGroup =
  | "ticks"
  | "heartbeats"
  | "messages"
  | "roles"
  | "regions"
  | "snapshots"
  | "disk"
  | "log"
  | "client"
  | "workloads"
  | "faults";

export const eventGroups: readonly EventGroup[] = [
  "roles",
  "regions",
  "messages",
  "snapshots",
  "heartbeats",
  "log",
  "disk",
  "client",
  "workloads",
  "faults",
  "ticks",
];

export class HistoryEvent {
  readonly seq: number;
  readonly step: number;
  readonly timeMicros: number;
  /** 0 when nowhere in particular. */
  readonly storeId: number;
  readonly kind: EventKind;
  readonly group: EventGroup;
  readonly event: Event;
  /** The region it is about; 0 when it is about none in particular. */
  readonly regionId: number;
  /** The message it is about, if it is about one. */
  readonly message: Message | null;
  readonly #context: EventContext;
  #words = "";

  constructor(event: Event, context: EventContext) {
    this.seq = Number(event.seq);
    this.step = Number(event.step);
    this.timeMicros = Number(event.timeMicros);
    this.storeId = Number(event.storeId);
    this.kind = event.body.case ?? "runStarted";
    this.event = event;
    this.message = context.message;
    this.regionId = regionIdOf(event, context);
    this.group = groupOf(this.kind, context);
    this.#context = context;
  }

  get messageId(): number {
    return this.message?.id ?? 0;
  }

  /** One sentence; made when first asked for. */
  get words(): string {
    if (this.#words === "") this.#words = eventWords(this.event, this.#context);
    return this.#words;
  }
}

export interface Flight {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly type: MessageType;
  readonly sentMicros: number;
  readonly sentSeq: number;
  /** While it flies: when it is due. */
  readonly endMicros: number;
  /** 0 while it flies. */
  readonly endSeq: number;
  readonly outcome: "flying" | "delivered" | "lost";
  /** As it was sent. */
  readonly message: Message;
  /** How its way changed since: it was held, let go, delayed. Ascending; empty for most. */
  readonly legs: readonly Leg[];
}

/** An operation as an interval: from its start to its answer. */
export interface OperationSpan {
  readonly id: number;
  readonly operation: Operation;
  readonly startedSeq: number;
  /** 0 while it waits for its answer. */
  readonly endedSeq: number;
}

export interface RoleSpan {
  readonly storeId: number;
  readonly regionId: number;
  readonly role: Role;
  readonly term: number;
  readonly up: boolean;
  readonly learner: boolean;
  /** It waits for its first snapshot. */
  readonly waiting: boolean;
  /** Its store stands still. */
  readonly paused: boolean;
  readonly fromMicros: number;
  readonly fromSeq: number;
  /** null while it lasts. */
  readonly toMicros: number | null;
  readonly toSeq: number | null;
}

export function spanKey(storeId: number, regionId: number): string {
  return `${storeId}/${regionId}`;
}

export interface History {
  /** Ascending by seq, without gaps. */
  readonly events: readonly HistoryEvent[];
  /** Ascending by message id, which is the order of sending. */
  readonly flights: readonly Flight[];
  /** Ascending by operation id, which is the order of their starts. */
  readonly operations: readonly OperationSpan[];
  /** Of each store's peers, see spanKey; each list ascending in time. */
  readonly roleSpans: ReadonlyMap<string, readonly RoleSpan[]>;
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

/** Events whose words tell of the store as it was before. */
const storeKinds: ReadonlySet<EventKind> = new Set<EventKind>([
  "ticked",
  "roleChanged",
  "writeStarted",
  "written",
  "synced",
  "applied",
  "faultArmed",
  "clockSet",
]);

/** A history that begins with a whole state, from a keyframe. */
export function startHistory(cluster: Cluster): History {
  const roleSpans = new Map<string, readonly RoleSpan[]>();
  for (const store of cluster.stores) {
    for (const peer of store.peers) {
      roleSpans.set(spanKey(store.id, peer.regionId), [openSpan(peer, store, cluster.timeMicros, cluster.seq)]);
    }
  }
  return {
    events: [],
    flights: cluster.messages.map((m) => openFlight(m, cluster.seq)),
    operations: cluster.operations.map((o) => spanOf(o, cluster.seq)),
    roleSpans,
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
  const roleSpans = new Map<string, readonly RoleSpan[]>();
  for (const [id, spans] of history.roleSpans) {
    roleSpans.set(
      id,
      spans
        .filter((s) => s.fromSeq <= at.seq)
        .map((s) => (s.toSeq !== null && s.toSeq > at.seq ? { ...s, toMicros: null, toSeq: null } : s)),
    );
  }
  return {
    events: history.events.slice(0, at.seq - firstSeq(history) + 1),
    flights: history.flights
      .filter((f) => f.sentSeq <= at.seq)
      .map((f) => reopened(f, at.seq)),
    operations: history.operations
      .filter((o) => o.startedSeq <= at.seq)
      .map((o) => (o.endedSeq > at.seq ? unanswered(o) : o)),
    roleSpans,
    marks: history.marks.filter(keep),
    elections: history.elections.filter(keep),
    end: at,
  };
}

/** The index of the first element for which the (monotone) test holds; the length when none. */
export function firstIndexWhere<T>(list: readonly T[], test: (item: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(list[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

class Draft {
  #events: HistoryEvent[];
  #flights: Flight[];
  #operations: OperationSpan[];
  #spans: Map<string, readonly RoleSpan[]>;
  #marks: HistoryEvent[];
  #elections: HistoryEvent[];
  #end: Cluster;

  constructor(history: History) {
    this.#events = history.events.slice();
    this.#flights = history.flights.slice();
    this.#operations = history.operations.slice();
    this.#spans = new Map(history.roleSpans);
    this.#marks = history.marks.slice();
    this.#elections = history.elections.slice();
    this.#end = history.end;
  }

  add(event: Event): void {
    const before = this.#end;
    const after = fold(before, event);
    this.#end = after;
    const held = new HistoryEvent(event, contextOf(before, event));
    this.#events.push(held);
    switch (event.body.case) {
      case "messageSent": {
        const message = after.messages[after.messages.length - 1];
        if (message) this.#flights.push(openFlight(message, held.seq));
        break;
      }
      case "messageHeld":
      case "messageRescheduled":
        this.#divert(after, Number(event.body.value.id), held.seq);
        break;
      case "messageDelivered":
      case "messageLost":
        this.#land(Number(event.body.value.id), held, event.body.case === "messageLost" ? "lost" : "delivered");
        break;
      case "operationStarted": {
        const operation = after.operations[after.operations.length - 1];
        if (operation) this.#operations.push({ id: operation.id, operation, startedSeq: held.seq, endedSeq: 0 });
        break;
      }
      case "operationEnded":
        this.#answer(Number(event.body.value.id), event.body.value.response ?? null, held);
        break;
      case "roleChanged":
        if (event.body.value.role === Role.LEADER && event.body.value.roleBefore !== Role.LEADER) {
          this.#elections.push(held);
        }
        this.#turn(after, held);
        break;
      case "storeShown":
        if (event.body.value.eventsLeftOut > 0n) this.#landAt(before, held);
        this.#turn(after, held);
        break;
      case "runStarted":
        for (const store of after.stores) this.#turnStore(after, store.id, held);
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

  #land(id: number, held: HistoryEvent, outcome: "delivered" | "lost"): void {
    const at = firstIndexWhere(this.#flights, (f) => f.id >= id);
    const flight = this.#flights[at];
    if (flight?.id !== id) return;
    this.#flights[at] = { ...flight, endMicros: held.timeMicros, endSeq: held.seq, outcome };
  }

  #landAt(before: Cluster, held: HistoryEvent): void {
    for (const message of before.messages) if (message.to === held.storeId) this.#land(message.id, held, "delivered");
  }

  #answer(id: number, response: RaftCommandResponse | null, held: HistoryEvent): void {
    const at = firstIndexWhere(this.#operations, (o) => o.id >= id);
    const span = this.#operations[at];
    if (span?.id !== id) return;
    const operation = { ...span.operation, response, endedMicros: held.timeMicros };
    this.#operations[at] = { ...span, operation, endedSeq: held.seq };
  }

  #divert(after: Cluster, id: number, seq: number): void {
    const message = after.messages.find((m) => m.id === id);
    const at = firstIndexWhere(this.#flights, (f) => f.id >= id);
    const flight = this.#flights[at];
    if (!message || flight?.id !== id) return;
    this.#flights[at] = { ...flight, endMicros: message.dueMicros, legs: [...flight.legs, legOf(message, seq)] };
  }

  #turn(after: Cluster, held: HistoryEvent): void {
    this.#turnStore(after, held.storeId, held);
  }

  #turnStore(after: Cluster, storeId: number, held: HistoryEvent): void {
    const store = after.stores.find((s) => s.id === storeId);
    if (!store) return;
    for (const peer of store.peers) {
      const key = spanKey(storeId, peer.regionId);
      const next = openSpan(peer, store, held.timeMicros, held.seq);
      const open = this.#open(key);
      if (open && sameState(open, next)) continue;
      this.#close(key, held);
      this.#spans.set(key, [...(this.#spans.get(key) ?? []), next]);
    }
    // A peer that is gone has no state any more.
    for (const [key, spans] of this.#spans) {
      const last = spans[spans.length - 1];
      if (last?.storeId !== storeId || last.toSeq !== null) continue;
      if (!store.peers.some((p) => p.regionId === last.regionId)) this.#close(key, held);
    }
  }

  #open(key: string): RoleSpan | undefined {
    const last = this.#spans.get(key)?.at(-1);
    return last?.toSeq === null ? last : undefined;
  }

  #close(key: string, held: HistoryEvent): void {
    const open = this.#open(key);
    if (!open) return;
    const spans = this.#spans.get(key)!.slice(0, -1);
    this.#spans.set(key, [...spans, { ...open, toMicros: held.timeMicros, toSeq: held.seq }]);
  }

  finish(): History {
    if (this.#events.length > historyEventsMax + historyChunk) this.#forget();
    return {
      events: this.#events,
      flights: this.#flights,
      operations: this.#operations,
      roleSpans: this.#spans,
      marks: this.#marks,
      elections: this.#elections,
      end: this.#end,
    };
  }

  #forget(): void {
    this.#events = this.#events.slice(-historyEventsMax);
    const from = this.#events[0].seq;
    const keep = (e: HistoryEvent) => e.seq >= from;
    this.#flights = this.#flights.filter((f) => f.outcome === "flying" || f.endSeq >= from);
    this.#operations = this.#operations.filter((o) => o.endedSeq === 0 || o.endedSeq >= from);
    this.#marks = this.#marks.filter(keep);
    this.#elections = this.#elections.filter(keep);
    for (const [id, spans] of this.#spans) {
      this.#spans.set(
        id,
        spans.filter((s) => s.toSeq === null || s.toSeq >= from),
      );
    }
  }
}

function openFlight(message: Message, sentSeq: number): Flight {
  return {
    id: message.id,
    from: message.from,
    to: message.to,
    type: message.type,
    sentMicros: message.sentMicros,
    sentSeq,
    endMicros: message.dueMicros,
    endSeq: 0,
    outcome: "flying",
    message,
    legs: [],
  };
}

function spanOf(operation: Operation, seq: number): OperationSpan {
  return { id: operation.id, operation, startedSeq: seq, endedSeq: operation.response ? seq : 0 };
}

/** As it was while it waited. */
function unanswered(span: OperationSpan): OperationSpan {
  return { ...span, operation: { ...span.operation, response: null, endedMicros: 0 }, endedSeq: 0 };
}

/** The flight as it was known at an event. */
function reopened(flight: Flight, seq: number): Flight {
  const legs = flight.legs.filter((leg) => leg.seq <= seq);
  if (flight.endSeq <= seq && flight.endSeq > 0) return flight;
  if (flight.endSeq === 0 && legs.length === flight.legs.length) return flight;
  return { ...openFlight(flight.message, flight.sentSeq), endMicros: legs.at(-1)?.dueMicros ?? flight.message.dueMicros, legs };
}

/** A whole state does not tell how a message came to where it rests; what is remembered does. */
export function withLegs(cluster: Cluster, history: History): Cluster {
  let changed = false;
  const messages = cluster.messages.map((message) => {
    const flight = history.flights[firstIndexWhere(history.flights, (f) => f.id >= message.id)];
    const leg = flight?.id === message.id ? flight.legs.findLast((l) => l.seq <= cluster.seq) : undefined;
    if (!leg) return message;
    changed = true;
    return onLeg(message, leg);
  });
  return changed ? { ...cluster, messages } : cluster;
}

function openSpan(peer: Peer, { up, paused }: Store, fromMicros: number, fromSeq: number): RoleSpan {
  return {
    storeId: peer.storeId,
    regionId: peer.regionId,
    role: peer.role,
    term: peer.term,
    up,
    learner: isLearner(peer),
    waiting: peer.uninitialized,
    paused,
    fromMicros,
    fromSeq,
    toMicros: null,
    toSeq: null,
  };
}

function sameState(a: RoleSpan, b: RoleSpan): boolean {
  return a.role === b.role && a.term === b.term && a.up === b.up && a.learner === b.learner && a.waiting === b.waiting && a.paused === b.paused;
}

/** 0 for what concerns a store, or nothing in particular. */
function regionIdOf(event: Event, context: EventContext): number {
  const body = event.body;
  switch (body.case) {
    case "messageSent":
    case "messageDelivered":
    case "messageLost":
    case "messageHeld":
    case "messageRescheduled":
      return context.message?.regionId ?? 0;
    case "regionChanged":
      return Number(body.value.region?.id ?? 0n);
    case "peerCreated":
    case "snapshotRestored":
      return Number(body.value.peer?.region?.id ?? 0n);
    case "electionTimeoutSet":
      return Number(body.value.timer?.regionId ?? 0n);
    case "roleChanged":
    case "committed":
    case "applied":
    case "progressChanged":
    case "timedOut":
    case "violation":
    case "peerDestroyed":
    case "logCompacted":
    case "snapshotProgress":
    case "transferStarted":
    case "diskCorrupted":
      return Number(body.value.regionId);
    default:
      return 0;
  }
}

function contextOf(before: Cluster, event: Event): EventContext {
  let message: Message | null = null;
  const body = event.body;
  if (
    body.case === "messageDelivered" ||
    body.case === "messageLost" ||
    body.case === "messageHeld" ||
    body.case === "messageRescheduled"
  ) {
    const id = Number(body.value.id);
    message = before.messages.find((m) => m.id === id) ?? null;
  } else if (body.case === "messageSent" && body.value.message) {
    message = messageOf(body.value.message);
  }
  const storeId = Number(event.storeId);
  // Only where words need it: old states are not to be kept for long.
  const store = storeKinds.has(body.case!) ? (before.stores.find((s) => s.id === storeId) ?? null) : null;
  let operation = null;
  if (body.case === "operationEnded") {
    const id = Number(body.value.id);
    operation = before.operations.findLast((o) => o.id === id) ?? null;
  } else if (body.case === "operationStarted" && body.value.operation) {
    operation = operationOf(body.value.operation);
  }
  const config = body.case === "settingsChanged" ? before.config : null;
  return { message, store, operation, peers: before.peerStores, config };
}

function groupOf(kind: EventKind, { message, operation }: EventContext): EventGroup {
  switch (kind) {
    case "ticked":
      return "ticks";
    case "messageSent":
    case "messageDelivered":
    case "messageLost":
    case "messageHeld":
    case "messageRescheduled":
      return message ? groupOfMessage(message) : "messages";
    case "roleChanged":
      return "roles";
    case "writeStarted":
    case "written":
    case "synced":
      return "disk";
    case "committed":
    case "applied":
    case "progressChanged":
    case "logCompacted":
      return "log";
    case "storeAdded":
    case "peerCreated":
    case "peerDestroyed":
    case "regionChanged":
    case "transferStarted":
      return "regions";
    case "snapshotProgress":
    case "snapshotRestored":
      return "snapshots";
    case "operationStarted":
    case "operationEnded":
      return operation && operation.worker > 0 ? "workloads" : "client";
    default:
      return "faults";
  }
}


function groupOfMessage(message: Message): EventGroup {
  if (isHeartbeat(message.type)) return "heartbeats";
  return message.type === MessageType.SNAPSHOT || message.type === MessageType.SNAPSHOT_ACK ? "snapshots" : "messages";
}
