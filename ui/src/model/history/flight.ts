/** Messages as the diagram draws them: each from its sending to its end. */
import type { MessageType } from "../../pb/sessionpb/v1/fault_pb";
import { legOf, onLeg, type Leg } from "../journey";
import { firstIndexWhere } from "../search";
import type { Cluster, Message } from "../state";

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

/** Of a message that is under way. */
export function openFlight(message: Message, sentSeq: number): Flight {
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

/** The flights as they were known at an event. */
export function flightsAt(flights: readonly Flight[], seq: number): readonly Flight[] {
  return flights.filter((f) => f.sentSeq <= seq).map((f) => reopened(f, seq));
}

function reopened(flight: Flight, seq: number): Flight {
  const legs = flight.legs.filter((leg) => leg.seq <= seq);
  if (flight.endSeq <= seq && flight.endSeq > 0) return flight;
  if (flight.endSeq === 0 && legs.length === flight.legs.length) return flight;
  return { ...openFlight(flight.message, flight.sentSeq), endMicros: legs.at(-1)?.dueMicros ?? flight.message.dueMicros, legs };
}

/** A whole state does not tell how a message came to where it rests; what is remembered does. */
export function withLegs(cluster: Cluster, flights: readonly Flight[]): Cluster {
  let changed = false;
  const messages = cluster.messages.map((message) => {
    const leg = flightOf(flights, message.id)?.legs.findLast((l) => l.seq <= cluster.seq);
    if (!leg) return message;
    changed = true;
    return onLeg(message, leg);
  });
  return changed ? { ...cluster, messages } : cluster;
}

function flightOf(flights: readonly Flight[], id: number): Flight | undefined {
  const flight = flights[firstIndexWhere(flights, (f) => f.id >= id)];
  return flight?.id === id ? flight : undefined;
}

/** Flights while events are added to them. */
export class FlightDraft {
  #flights: Flight[];

  constructor(flights: readonly Flight[]) {
    this.#flights = flights.slice();
  }

  get flights(): readonly Flight[] {
    return this.#flights;
  }

  send(message: Message, seq: number): void {
    this.#flights.push(openFlight(message, seq));
  }

  land(id: number, endMicros: number, endSeq: number, outcome: "delivered" | "lost"): void {
    this.#change(id, (flight) => ({ ...flight, endMicros, endSeq, outcome }));
  }

  /** It is held, let go, or delayed. */
  divert(message: Message, seq: number): void {
    this.#change(message.id, (flight) => ({ ...flight, endMicros: message.dueMicros, legs: [...flight.legs, legOf(message, seq)] }));
  }

  /** Drops those that ended before an event. */
  forget(seq: number): void {
    this.#flights = this.#flights.filter((f) => f.outcome === "flying" || f.endSeq >= seq);
  }

  #change(id: number, change: (flight: Flight) => Flight): void {
    const at = firstIndexWhere(this.#flights, (f) => f.id >= id);
    if (this.#flights[at]?.id === id) this.#flights[at] = change(this.#flights[at]);
  }
}
