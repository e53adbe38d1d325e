/** What can be done to a store or a message, given what the source allows. */
import { Role } from "../../pb/sessionpb/v1/event_pb";
import { crashStore, deliverMessage, dropMessage, restartStore, timeOutStore, type Action } from "../../model/action";
import { memberDeeds, type Deed } from "../../model/deeds";
import { isLearner } from "../../model/members";
import { peerOf } from "../../model/regions";
import type { Cluster, Message, Store, Write } from "../../model/state";
import { durationText, sizeText } from "../../model/text";

export interface Abilities {
  readonly canTouchMessages: boolean;
  readonly canCrash: boolean;
  readonly canTimeOut: boolean;
  readonly canChangeRegions: boolean;
}

function can(name: string, detail: string, action: Action, danger = false): Deed {
  return { name, detail, action, danger, refusal: "" };
}

export function storeMenu(cluster: Cluster, store: Store, regionId: number, may: Abilities, nowMicros: number): readonly Deed[] {
  const members = may.canChangeRegions ? memberDeeds(cluster, regionId, store.id) : [];
  return [...faults(store, regionId, may, nowMicros), ...members];
}

function faults(store: Store, regionId: number, may: Abilities, nowMicros: number): readonly Deed[] {
  const items: Deed[] = [];
  if (!store.up) {
    if (may.canCrash) items.push(can("Restart", "comes back with what its disk had synced", restartStore(store.id)));
    return items;
  }
  const peer = peerOf(store, regionId);
  if (may.canTimeOut && peer && peer.role !== Role.LEADER && !peer.uninitialized) {
    items.push({
      ...can("Time out now", "its election timer fires", timeOutStore(store.id, peer.regionId)),
      refusal: isLearner(peer) ? "a learner does not stand for election" : "",
    });
  }
  if (may.canCrash) {
    const unsynced = store.writes.filter((w) => w.mustSync || !w.written);
    if (unsynced.length === 0) {
      items.push(can("Crash", "everything it has written is synced", crashStore(store.id), true));
    } else {
      const bytes = unsynced.reduce((sum, w) => sum + w.sizeBytes, 0);
      const due = Math.max(...unsynced.map((w) => w.syncedDueMicros || w.writtenDueMicros)) - nowMicros;
      const loses = `loses ${lossWords(unsynced)}, ${sizeText(bytes)}, durable only in ${durationText(Math.max(0, due))}`;
      items.push(can("Crash before fsync", loses, crashStore(store.id), true));
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

export function messageMenu(message: Message, may: Abilities, nowMicros: number): readonly Deed[] {
  if (!may.canTouchMessages) return [];
  const wait = durationText(Math.max(0, message.dueMicros - nowMicros));
  return [
    can("Deliver now", `instead of in ${wait}`, deliverMessage(message.id)),
    can("Drop", `S${message.to} never gets it`, dropMessage(message.id), true),
  ];
}
