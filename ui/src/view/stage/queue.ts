/** Where held messages rest: one behind the other, back from where each was held; of very many the first ones are drawn. */
import { HoldReason } from "../../pb/sessionpb/v1/event_pb";
import { travelled } from "../../model/journey";
import type { Message } from "../../model/state";
import { reach } from "./flight";

export interface Queue {
  /** Where on its road a message rests, by id; those that are not held have no place here. */
  readonly places: ReadonlyMap<number, number>;
  /** Not drawn, by id. */
  readonly hidden: ReadonlySet<number>;
  /** How many more wait than are drawn, and behind whom. */
  readonly more: readonly { readonly behind: Message; readonly count: number }[];
}

/** So many of one direction are drawn. */
export const queueMax = 8;
const gapPx = 21;
const leavePx = 24;
const doorPx = 16;

/** way: how long the road between two stores is, in pixels. */
export function queueOf(messages: readonly Message[], way: (from: number, to: number) => number): Queue {
  const places = new Map<number, number>();
  const hidden = new Set<number>();
  const more: { behind: Message; count: number }[] = [];
  const lines = new Map<number, Message[]>();
  for (const message of messages) {
    if (message.held === HoldReason.UNSPECIFIED) continue;
    const key = message.from * 4096 + message.to;
    const line = lines.get(key) ?? [];
    line.push(message);
    lines.set(key, line);
  }
  for (const line of lines.values()) {
    const length = way(line[0].from, line[0].to);
    const gap = gapPx / Math.max(gapPx, length);
    // What is held as it leaves stands before its sender, where the ways to others have parted.
    const first = Math.min(0.3, leavePx / Math.max(1, length));
    // What is held at the door stands before it, and before the bar of a clogged link.
    const last = Math.max(0.5, 1 - doorPx / Math.max(1, length));
    // The furthest first; of equals who came first.
    line.sort((a, b) => b.legFrom - a.legFrom || a.legMicros - b.legMicros || a.id - b.id);
    let free = Infinity;
    line.forEach((message, at) => {
      if (at >= queueMax) {
        hidden.add(message.id);
        return;
      }
      const own = travelled(message, 0) * reach(message);
      const place = Math.max(first, Math.min(own, last, free));
      places.set(message.id, place);
      free = place - gap;
    });
    if (line.length > queueMax) more.push({ behind: line[queueMax - 1], count: line.length - queueMax });
  }
  return { places, hidden, more };
}
