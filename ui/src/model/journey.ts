/**
 * How far along its way a message is. It travels evenly from where its way last changed (it was sent, held, let go,
 * delayed) to its receiver at its due time; while it is held it rests.
 */
import { HoldReason } from "../pb/sessionpb/v1/event_pb";
import type { Message } from "./state";

/** A change of a message's way, as the history remembers it. */
export interface Leg {
  readonly seq: number;
  readonly micros: number;
  readonly from: number;
  readonly dueMicros: number;
  readonly held: HoldReason;
  readonly late: boolean;
}

/** 0 at the sender, 1 at the receiver; what the network loses on the way counts as if it arrived. */
export function travelled(message: Message, nowMicros: number): number {
  if (message.held !== HoldReason.UNSPECIFIED) return message.legFrom;
  const rest = message.dueMicros - message.legMicros;
  const t = rest > 0 ? (nowMicros - message.legMicros) / rest : 1;
  return message.legFrom + (1 - message.legFrom) * Math.min(1, Math.max(0, t));
}

export function held(message: Message, reason: HoldReason, nowMicros: number): Message {
  return { ...message, held: reason, legFrom: travelled(message, nowMicros), legMicros: nowMicros };
}

export function rescheduled(message: Message, dueMicros: number, nowMicros: number): Message {
  const late = message.late || message.held === HoldReason.UNSPECIFIED;
  return { ...message, held: HoldReason.UNSPECIFIED, late, dueMicros, legFrom: travelled(message, nowMicros), legMicros: nowMicros };
}

/** Where a held message rests when nothing tells where it was: as it was sent, at its receiver's door, or between. */
export function restOf(reason: HoldReason): number {
  switch (reason) {
    case HoldReason.FILTER:
      return 0;
    case HoldReason.CLOGGED:
    case HoldReason.PAUSED:
      return 1;
    default:
      return 0.5;
  }
}

export function legOf(message: Message, seq: number): Leg {
  const { legMicros: micros, legFrom: from, dueMicros, held, late } = message;
  return { seq, micros, from, dueMicros, held, late };
}

/** The message as it was on one of its legs. */
export function onLeg(message: Message, leg: Leg): Message {
  return { ...message, legMicros: leg.micros, legFrom: leg.from, dueMicros: leg.dueMicros, held: leg.held, late: leg.late };
}
