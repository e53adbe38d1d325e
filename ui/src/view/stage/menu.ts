/** What can be done to a store, a link or a message on the stage; what cannot be done says why. */
import { Role } from "../../pb/sessionpb/v1/event_pb";
import { Capability } from "../../pb/sessionpb/v1/session_pb";
import type { Can } from "../../model/abilities";
import { crashStore, restartStore, timeOutStore, type Action } from "../../model/action";
import { memberDeeds, type Deed } from "../../model/deeds";
import { linkDeeds, messageDeeds, storeFaultDeeds } from "../../model/faultdeeds";
import { isLearner } from "../../model/members";
import { peerOf } from "../../model/regions";
import type { Selection } from "../../model/selection";
import type { Cluster, Store, Write } from "../../model/state";
import { durationText, sizeText } from "../../model/text";

function deed(name: string, detail: string, action: Action, danger = false): Deed {
  return { name, detail, action, danger, refusal: "" };
}

export function deedsOf(of: Selection, cluster: Cluster, regionId: number, can: Can, nowMicros: number): readonly Deed[] {
  switch (of.kind) {
    case "store": {
      const store = cluster.stores.find((s) => s.id === of.id);
      return store ? storeMenu(cluster, store, regionId, can, nowMicros) : [];
    }
    case "message": {
      const message = cluster.messages.find((m) => m.id === of.id);
      return message ? messageDeeds(message, can, nowMicros) : [];
    }
    case "link":
      return linkDeeds(cluster, of.a, of.b, can);
    default:
      return [];
  }
}

export function storeMenu(cluster: Cluster, store: Store, regionId: number, can: Can, nowMicros: number): readonly Deed[] {
  const members = can(Capability.CHANGE_REGIONS) ? memberDeeds(cluster, regionId, store.id) : [];
  return [...process(store, regionId, can, nowMicros), ...storeFaultDeeds(cluster, store, can, nowMicros), ...members];
}

function process(store: Store, regionId: number, can: Can, nowMicros: number): readonly Deed[] {
  const items: Deed[] = [];
  if (!store.up) {
    if (can(Capability.CRASH_STORES)) items.push(deed("Restart", "comes back with what its disk had synced", restartStore(store.id)));
    return items;
  }
  const peer = peerOf(store, regionId);
  if (can(Capability.TIME_OUT_STORES) && peer && peer.role !== Role.LEADER && !peer.uninitialized) {
    items.push({
      ...deed("Time out now", "its election timer fires", timeOutStore(store.id, peer.regionId)),
      refusal: isLearner(peer) ? "a learner does not stand for election" : store.paused ? "it is paused" : "",
    });
  }
  if (can(Capability.CRASH_STORES)) {
    const unsynced = store.writes.filter((w) => w.mustSync || !w.written);
    if (unsynced.length === 0) {
      items.push(deed("Crash", "everything it has written is synced", crashStore(store.id), true));
    } else {
      const bytes = unsynced.reduce((sum, w) => sum + w.sizeBytes, 0);
      const due = Math.max(...unsynced.map((w) => w.syncedDueMicros || w.writtenDueMicros)) - nowMicros;
      const loses = `loses ${lossWords(unsynced)}, ${sizeText(bytes)}, durable only in ${durationText(Math.max(0, due))}`;
      items.push(deed("Crash before fsync", loses, crashStore(store.id), true));
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
