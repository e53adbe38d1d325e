/** What happens to regions, in words. */
import { PeerRole } from "../../pb/metapb/v1/metapb_pb";
import {
  PeerOrigin,
  RegionChangeReason,
  SnapshotStage,
  type Event,
  type SnapshotProgress,
} from "../../pb/sessionpb/v1/event_pb";
import { regionOf } from "../fold/wire";
import { isJoint, memberOn } from "../members";
import { rangeWords } from "../regions";
import type { Region } from "../state";
import { bytesText, countText, listText, sizeText } from "../text";
import { membersWords, storeName } from "./names";

type Cases =
  | "peerCreated"
  | "peerDestroyed"
  | "regionChanged"
  | "logCompacted"
  | "snapshotProgress"
  | "snapshotRestored"
  | "transferStarted";

export function regionEventWords(who: string, body: Extract<Event["body"], { case: Cases }>): string {
  switch (body.case) {
    case "peerCreated": {
      const { peer, origin, parentRegionId } = body.value;
      const region = regionOf(peer?.region);
      return origin === PeerOrigin.SPLIT
        ? `${who} has a peer of the new region ${region.id} (${rangeWords(region)}), split off region ${parentRegionId}`
        : `${who} makes a peer of region ${region.id}; it waits for a snapshot`;
    }
    case "peerDestroyed": {
      const why = body.value.why ? `: ${body.value.why}` : "";
      return `${who}'s peer of region ${body.value.regionId} is gone, with its log and keys${why}`;
    }
    case "regionChanged": {
      const { region, regionBefore, reason, index } = body.value;
      const now = regionOf(region);
      if (reason === RegionChangeReason.SPLIT) {
        return `${who} splits region ${now.id} at ${bytesText(now.end, 40)} (entry ${index}): it keeps the keys ${rangeWords(now)}`;
      }
      return `${who} changes the members of region ${now.id} (entry ${index}): ${memberChangeWords(regionOf(regionBefore), now)}`;
    }
    case "logCompacted": {
      const { firstIndex, firstIndexBefore } = body.value;
      const last = firstIndex - 1n;
      const gone = last > firstIndexBefore ? `entries ${firstIndexBefore} to ${last} are` : `entry ${last} is`;
      return `${who} compacts its log: ${gone} gone, it begins at entry ${firstIndex}`;
    }
    case "snapshotProgress":
      return snapshotWords(who, body.value);
    case "snapshotRestored": {
      const peer = body.value.peer;
      const keys = Number(peer?.keysTotal ?? 0n);
      const held = `${countText(keys)} ${keys === 1 ? "key" : "keys"}`;
      return `${who} takes the snapshot of region ${peer?.region?.id ?? 0n} at entry ${peer?.applied ?? 0n}: ${held}`;
    }
    case "transferStarted":
      return `${who} hands leadership over to S${body.value.toStore}: no commands meanwhile`;
  }
}

/** "S6 joins as a learner"; of a joint configuration also who comes and who goes. */
export function memberChangeWords(before: Region, now: Region): string {
  if (isJoint(now) && !isJoint(before)) return `it is joint now, and both halves decide: ${membersWords(now).slice("joint: ".length)}`;
  if (isJoint(before) && !isJoint(now)) return `the joint configuration is left: ${membersWords(now)}`;
  const ids = [...new Set([...before.members, ...now.members].map((m) => m.storeId))].sort((a, b) => a - b);
  const parts = ids.flatMap((id) => {
    const was = memberOn(before, id)?.role;
    const is = memberOn(now, id)?.role;
    if (was === is) return [];
    const name = storeName(id);
    if (is === undefined) return [`${name} leaves`];
    const as = is === PeerRole.LEARNER ? "a learner" : "a voter";
    return [was === undefined ? `${name} joins as ${as}` : `${name} becomes ${as}`];
  });
  return listText(parts) || membersWords(now);
}

function snapshotWords(who: string, event: SnapshotProgress): string {
  const to = `S${event.toStore}`;
  const done = sizeText(Number(event.bytesDone));
  const total = sizeText(Number(event.bytesTotal));
  switch (event.stage) {
    case SnapshotStage.STARTED:
      return `${who} begins to send ${to} a snapshot of region ${event.regionId} at entry ${event.index}, ${total}`;
    case SnapshotStage.DONE:
      return `${who} knows that ${to} has the whole snapshot, ${total}`;
    case SnapshotStage.FAILED:
      return `${who}'s snapshot to ${to} fails after ${done}${event.why ? `: ${event.why}` : ""}`;
    default:
      return `${who} knows that ${to} has ${done} of ${total} of the snapshot`;
  }
}
