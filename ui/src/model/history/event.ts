/** An event as the page remembers it: its group, what it is about, and its words. */
import type { Event } from "../../pb/sessionpb/v1/event_pb";
import { MessageType } from "../../pb/sessionpb/v1/fault_pb";
import { messageOf, operationOf } from "../fold";
import type { Cluster, Message } from "../state";
import { eventWords, isHeartbeat, type EventContext } from "../words";

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

/** What an event is about, in the state before it. */
export function contextOf(before: Cluster, event: Event): EventContext {
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
    case "storeShown":
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
