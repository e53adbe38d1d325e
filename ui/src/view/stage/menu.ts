/** What can be done to a store or a message, given what the source allows. */
import { Role } from "../../pb/sessionpb/v1/event_pb";
import { crashStore, deliverMessage, dropMessage, restartStore, timeOutStore, type Action } from "../../model/action";
import type { Message, Store, Write } from "../../model/state";
import { durationText, sizeText } from "../../model/text";

export interface MenuItem {
  readonly name: string;
  readonly detail?: string;
  readonly danger?: boolean;
  readonly action: Action;
}

export interface Abilities {
  readonly canTouchMessages: boolean;
  readonly canCrash: boolean;
  readonly canTimeOut: boolean;
}

export function storeMenu(store: Store, can: Abilities, nowMicros: number): readonly MenuItem[] {
  const items: MenuItem[] = [];
  if (!store.up) {
    if (can.canCrash) {
      items.push({ name: "Restart", detail: "comes back with what its disk had synced", action: restartStore(store.id) });
    }
    return items;
  }
  const peer = store.peers[0];
  if (can.canTimeOut && peer && peer.role !== Role.LEADER) {
    items.push({ name: "Time out now", detail: "its election timer fires", action: timeOutStore(store.id, peer.regionId) });
  }
  if (can.canCrash) {
    const unsynced = store.writes.filter((w) => w.mustSync || !w.written);
    if (unsynced.length === 0) {
      items.push({ name: "Crash", detail: "everything it has written is synced", danger: true, action: crashStore(store.id) });
    } else {
      const bytes = unsynced.reduce((sum, w) => sum + w.sizeBytes, 0);
      const due = Math.max(...unsynced.map((w) => w.syncedDueMicros || w.writtenDueMicros)) - nowMicros;
      items.push({
        name: "Crash before fsync",
        detail: `loses ${lossWords(unsynced)}, ${sizeText(bytes)}, durable only in ${durationText(Math.max(0, due))}`,
        danger: true,
        action: crashStore(store.id),
      });
    }
  }
  return items;
}

/** "entry 9", "entries 7–9", "its newest term, vote or commit". */
function lossWords(writes: readonly Write[]): string {
  const logs = writes.flatMap((w) => w.logs).filter((l) => l.firstIndex > 0);
  if (logs.length === 0) return "its newest term, vote or commit";
  const first = Math.min(...logs.map((l) => l.firstIndex));
  const last = Math.max(...logs.map((l) => l.lastIndex));
  return first === last ? `entry ${first}` : `entries ${first}–${last}`;
}

export function messageMenu(message: Message, can: Abilities, nowMicros: number): readonly MenuItem[] {
  if (!can.canTouchMessages) return [];
  return [
    {
      name: "Deliver now",
      detail: `instead of in ${durationText(Math.max(0, message.dueMicros - nowMicros))}`,
      action: deliverMessage(message.id),
    },
    { name: "Drop", detail: `S${message.to} never gets it`, danger: true, action: dropMessage(message.id) },
  ];
}
