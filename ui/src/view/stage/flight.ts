/** How a message looks and where on its way it is: pure functions of the message and the time. */
import { LossReason } from "../../pb/sessionpb/v1/event_pb";
import { MessageType } from "../../pb/sessionpb/v1/fault_pb";
import { travelled } from "../../model/journey";
import type { LostMessage, Message } from "../../model/state";

export type Shape = "circle" | "diamond" | "square" | "triangle" | "hexagon";
/** Names a colour of the palette; the shape says the same without it. */
export type Tint = "append" | "response" | "vote" | "snapshot" | "heartbeat" | "other";

export interface Figure {
  readonly shape: Shape;
  /** Half its width, in pixels. */
  readonly size: number;
  readonly hollow: boolean;
  readonly tint: Tint;
  /** Carries a number: how many entries. */
  readonly counts: boolean;
}

const figures: Record<MessageType, Figure> = {
  [MessageType.UNSPECIFIED]: figure("circle", 5, "other"),
  [MessageType.APPEND]: { ...figure("circle", 6.5, "append"), counts: true },
  [MessageType.APPEND_RESPONSE]: figure("circle", 5, "response"),
  [MessageType.VOTE]: figure("diamond", 9, "vote"),
  [MessageType.VOTE_RESPONSE]: figure("diamond", 6.5, "vote"),
  [MessageType.PRE_VOTE]: { ...figure("diamond", 9, "vote"), hollow: true },
  [MessageType.PRE_VOTE_RESPONSE]: { ...figure("diamond", 6.5, "vote"), hollow: true },
  [MessageType.SNAPSHOT]: figure("square", 9, "snapshot"),
  [MessageType.HEARTBEAT]: figure("circle", 3.8, "heartbeat"),
  [MessageType.HEARTBEAT_RESPONSE]: figure("circle", 2.8, "heartbeat"),
  [MessageType.TIMEOUT_NOW]: figure("triangle", 8, "vote"),
  [MessageType.READ_INDEX]: { ...figure("hexagon", 7, "other"), hollow: true },
  [MessageType.READ_INDEX_RESPONSE]: { ...figure("hexagon", 5.5, "other"), hollow: true },
  [MessageType.OTHER]: figure("circle", 5, "other"),
  [MessageType.SNAPSHOT_ACK]: figure("square", 5, "snapshot"),
  [MessageType.PEER_GONE]: { ...figure("hexagon", 7, "other"), hollow: true },
  [MessageType.PEER_REMOVED]: { ...figure("hexagon", 7, "other"), hollow: true },
  [MessageType.CHECK_PEER]: { ...figure("hexagon", 5.5, "other"), hollow: true },
  [MessageType.SLEEP]: figure("circle", 2.8, "heartbeat"),
  [MessageType.STORE_BEAT]: figure("circle", 2.8, "heartbeat"),
};

function figure(shape: Shape, size: number, tint: Tint): Figure {
  return { shape, size, hollow: false, tint, counts: false };
}

export function figureOf(type: MessageType): Figure {
  return figures[type] ?? figures[MessageType.OTHER];
}

/** The outline around (0, 0), as the d of a path. */
export function outline(shape: Shape, size: number): string {
  switch (shape) {
    case "circle":
      return `M${-size} 0a${size} ${size} 0 1 0 ${2 * size} 0a${size} ${size} 0 1 0 ${-2 * size} 0Z`;
    case "diamond":
      return `M0 ${-size}L${size} 0L0 ${size}L${-size} 0Z`;
    case "square":
      return `M${-size} ${-size}H${size}V${size}H${-size}Z`;
    case "triangle":
      return `M0 ${-size}L${size} ${size * 0.8}H${-size}Z`;
    case "hexagon": {
      const h = size * 0.87;
      const w = size / 2;
      return `M${-size} 0L${-w} ${-h}H${w}L${size} 0L${w} ${h}H${-w}Z`;
    }
  }
}

/**
 * How far along its road a message gets before its time is over. One that the network will lose gets lost on the way,
 * not at the door of its receiver: its road is cut at a place drawn from its id.
 */
export function reach(message: Message): number {
  return message.doomed ? 0.45 + 0.35 * ((message.id * 0.618034) % 1) : 1;
}

/** Where on its road it is: 0 at the sender, 1 at the receiver. */
export function progress(message: Message, nowMicros: number): number {
  return travelled(message, nowMicros) * reach(message);
}

/** Where it was lost. One that found its receiver down, or was refused, got all the way. */
export function lostAt(lost: LostMessage): number {
  if (lost.reason === LossReason.STORE_DOWN || lost.reason === LossReason.REFUSED) return 1;
  const at = progress(lost.message, lost.timeMicros);
  // At the gap of the cut link, or beyond it where it was cut behind the message; a filter takes it as it leaves.
  if (lost.reason === LossReason.CUT) return Math.max(at, beforeGap);
  // It never left its store.
  if (lost.reason === LossReason.UNSENT) return 0.1;
  return lost.reason === LossReason.FILTER ? Math.max(at, 0.1) : at;
}

/** Just before the mark of a cut link. */
const beforeGap = 0.4;

/** "MsgApp S3 to S1, term 4, entries 9–9, commit 8". */
export function messageLabel(message: Message, typeName: string): string {
  const parts = [`${typeName} S${message.from} to S${message.to}`, `term ${message.term}`];
  const count = message.entryTerms.length;
  if (count > 0) parts.push(`entries ${message.index + 1}–${message.index + count}`);
  if (message.type === MessageType.APPEND_RESPONSE) parts.push(`index ${message.index}`);
  if (message.type === MessageType.SNAPSHOT) parts.push(`snapshot at ${message.snapshotIndex}`);
  if (message.commit > 0) parts.push(`commit ${message.commit}`);
  if (message.reject) parts.push("rejected");
  return parts.join(", ");
}

export const lanesMax = 5;

/**
 * Puts messages that would lie on one another into lanes side by side. A message keeps its lane for life, and a little
 * longer, for the eye that sees it lost.
 */
export class Lanes {
  readonly #lanes = new Map<number, number>();

  /** `way` is the length of the road between two stores in pixels. */
  assign(messages: readonly Message[], way: (from: number, to: number) => number): void {
    const byLink = new Map<number, Message[]>();
    for (const message of messages) {
      const link = message.from * 4096 + message.to;
      const others = byLink.get(link) ?? [];
      if (others.length === 0) byLink.set(link, others);
      if (!this.#lanes.has(message.id)) this.#lanes.set(message.id, this.#free(message, others, way));
      others.push(message);
    }
    if (this.#lanes.size > messages.length + rememberedMax) this.#forget(messages);
  }

  lane(id: number): number {
    return this.#lanes.get(id) ?? 0;
  }

  #free(message: Message, others: readonly Message[], way: (from: number, to: number) => number): number {
    const length = way(message.from, message.to);
    const used = new Set<number>();
    for (const other of others) if (meet(message, other, length)) used.add(this.lane(other.id));
    for (let lane = 0; lane < lanesMax; lane++) if (!used.has(lane)) return lane;
    return message.id % lanesMax;
  }

  #forget(messages: readonly Message[]): void {
    const flying = new Set(messages.map((m) => m.id));
    let surplus = this.#lanes.size - messages.length - rememberedMax / 2;
    for (const id of this.#lanes.keys()) {
      if (surplus <= 0) break;
      if (!flying.has(id)) {
        this.#lanes.delete(id);
        surplus--;
      }
    }
  }
}

const rememberedMax = 256;
const sideBySidePx = 22;

/** Whether two messages of one direction come close to each other while both fly. */
function meet(a: Message, b: Message, length: number): boolean {
  const from = Math.max(a.sentMicros, b.sentMicros);
  const to = Math.min(a.dueMicros, b.dueMicros);
  if (from > to) return false;
  const first = (progress(a, from) - progress(b, from)) * length;
  const last = (progress(a, to) - progress(b, to)) * length;
  return first * last < 0 || Math.min(Math.abs(first), Math.abs(last)) < sideBySidePx;
}
