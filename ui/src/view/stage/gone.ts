/** What has left the network since the picture before: what was lost, and what arrived. */
import type { Cluster, LostMessage, Message } from "../../model/state";
import type { Tint } from "./flight";

/** A message that has just arrived, where it did. */
export interface Arrival {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly tint: Tint;
}

export interface Gone {
  /** Time went on by a step; false after a jump, when only what was lost just there is told. */
  readonly steady: boolean;
  readonly lost: readonly LostMessage[];
  readonly arrived: readonly Message[];
}

/** At most so many linger on the stage. */
export const lingerMax = 24;
/** More events than this at once, while nothing plays, are a jump. */
const stepEventsMax = 64;
/** More arrivals than this at once are not for the eye. */
const arrivalsMax = 12;

export function gone(before: Cluster | null, now: Cluster, playing: boolean): Gone {
  const steady = before !== null && now.seq > before.seq && (playing || now.seq - before.seq < stepEventsMax);
  if (!steady || !before) {
    const lost = now.lost.filter((l) => l.seq === now.seq && l.timeMicros === now.timeMicros);
    return { steady: false, lost, arrived: [] };
  }
  const lost = now.lost.filter((l) => l.seq > before.seq);
  if (now.messages === before.messages) return { steady, lost, arrived: [] };
  const flying = new Set(now.messages.map((m) => m.id));
  for (const l of now.lost) flying.add(l.message.id);
  const arrived = before.messages.filter((m) => !flying.has(m.id));
  return { steady, lost, arrived: arrived.length > arrivalsMax ? [] : arrived };
}
