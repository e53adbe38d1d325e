/** The change from one state to a later one of which nothing between was told, as events. */
import { create, equals, type MessageInitShape } from "@bufbuild/protobuf";
import type { Cluster } from "../../model/state";
import { EventSchema, SettingsChangedSchema, type Event, type Keyframe, type SettingsChanged } from "../../pb/sessionpb/v1/event_pb";
import type { Config } from "../../pb/sessionpb/v1/run_pb";
import type { Gap } from "../../pb/sessionpb/v1/session_pb";

type Body = MessageInitShape<typeof EventSchema>["body"];

const noWords = "the connection began anew";

/**
 * What flew has ended, each store is shown as it stands, and what flies now was sent. The first store carries the number
 * of events between, once for all. The caller numbers the events.
 */
export function bridge(before: Cluster, keyframe: Keyframe, gap: Gap | null): Event[] {
  const events: Event[] = [];
  const tell = (storeId: bigint, body: Body) =>
    events.push(create(EventSchema, { storeId, timeMicros: keyframe.timeMicros, body }));
  const known = new Set(before.messages.map((m) => BigInt(m.id)));
  const flying = new Set(keyframe.messages.map((m) => m.id));
  for (const message of before.messages) {
    const id = BigInt(message.id);
    if (!flying.has(id)) tell(BigInt(message.to), { case: "messageDelivered", value: { id } });
  }
  let eventsLeftOut = gap?.events ?? 0n;
  const why = gap?.why || noWords;
  for (const store of keyframe.stores) {
    tell(store.id, { case: "storeShown", value: { store, eventsLeftOut, why } });
    eventsLeftOut = 0n;
  }
  const settings = settingsOf(keyframe.config ?? {});
  if (!equals(SettingsChangedSchema, settings, settingsOf(before.config ?? {}))) tell(0n, { case: "settingsChanged", value: settings });
  for (const message of keyframe.messages) {
    if (!known.has(message.id)) tell(message.fromStore, { case: "messageSent", value: { message } });
  }
  bridgeOperations(before, keyframe, tell);
  return events;
}

function settingsOf({ network, disk, links, filters, disks, workloads }: Partial<Config>): SettingsChanged {
  return create(SettingsChangedSchema, { network, disk, links, filters, disks, workloads });
}

function bridgeOperations(before: Cluster, keyframe: Keyframe, tell: (storeId: bigint, body: Body) => void): void {
  const known = new Map(before.operations.map((o) => [BigInt(o.id), o]));
  for (const operation of keyframe.operations) {
    const here = known.get(operation.id);
    known.delete(operation.id);
    if (!here && !operation.response) {
      tell(operation.toStore, { case: "operationStarted", value: { operation } });
    } else if (here && !here.response && operation.response) {
      tell(operation.toStore, { case: "operationEnded", value: { id: operation.id, response: operation.response } });
    }
  }
}
