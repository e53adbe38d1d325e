/** How fast the cluster's time passes for the eye. All times in microseconds. */
import { MessageType } from "../../pb/sessionpb/v1/fault_pb";
import type { Message } from "../../pb/sessionpb/v1/event_pb";

export interface Flight {
  readonly sentMicros: number;
  readonly dueMicros: number;
  /** How long the eye may look at it, of the whole flight time asked for. */
  readonly share: number;
}

export interface Moment {
  readonly flights: Iterable<Flight>;
  readonly flightMicros: number;
  /** How far what is told lies ahead of where one may be; 0 or less at the edge. null: there is no one to keep up with. */
  readonly lagMicros: number | null;
  /** To the next event that is no tick; Infinity when none is known. */
  readonly untilNext: number;
}

/** No flight takes longer for the eye than so many times the flight time asked for, however short another one is. */
const longestFlights = 3;
const rateMax = 60;
/** Idle time between two events takes about so long for the eye. */
const idleMicros = 250_000;
/** A little lag is wanted; what is beyond makes flights shorter, by as much again for each lagStep. */
const lagKept = 500_000;
const lagStep = 600_000;
const lagIdle = 60_000;

export interface Rate {
  /** Virtual time over the eye's. */
  readonly rate: number;
  readonly quick: boolean;
}

export function storyRate(moment: Moment): Rate {
  let shortest = Infinity;
  let longest = 0;
  for (const { sentMicros, dueMicros, share } of moment.flights) {
    const rate = (dueMicros - sentMicros) / (moment.flightMicros * share);
    shortest = Math.min(shortest, rate);
    longest = Math.max(longest, rate);
  }
  const lag = moment.lagMicros ?? 0;
  if (longest > 0) {
    const hurry = 1 + Math.max(0, lag - lagKept) / lagStep;
    return { rate: Math.max(shortest, longest / longestFlights) * hurry, quick: false };
  }
  const told = Math.min(rateMax, Math.max(1, moment.untilNext / idleMicros));
  if (moment.lagMicros === null) return { rate: told, quick: told > 1.5 };
  const rate = Math.min(rateMax, Math.max(1, lag > 0 ? Math.max(told, lag / lagIdle) : 1));
  return { rate, quick: rate > 1.5 };
}

/** What happens all the time is told in less time than what matters. */
export function shareOf(message: Message): number {
  switch (message.type) {
    case MessageType.HEARTBEAT:
    case MessageType.HEARTBEAT_RESPONSE:
    case MessageType.STORE_BEAT:
    case MessageType.SLEEP:
      return message.readContext ? 0.6 : 0.3;
    case MessageType.APPEND:
      return message.entryTerms.length > 0 ? 1 : 0.5;
    default:
      return 1;
  }
}
