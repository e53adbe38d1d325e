/** What goes wrong in a cluster, and what a person does to it. */
import type { Event } from "../../pb/sessionpb/v1/event_pb";
import type { Config } from "../../pb/sessionpb/v1/run_pb";
import { held, rescheduled } from "../journey";
import type { Cluster, Message } from "../state";
import { clockSetOf } from "./wire";
import { replaced, withStore } from "./update";

type Body = Event["body"];

export function foldFault(cluster: Cluster, storeId: number, body: Body, timeMicros: number): Cluster {
  switch (body.case) {
    case "messageHeld":
      return withMessage(cluster, Number(body.value.id), (m) => held(m, body.value.reason, timeMicros));
    case "messageRescheduled":
      return withMessage(cluster, Number(body.value.id), (m) => rescheduled(m, Number(body.value.dueMicros), timeMicros));
    case "storePaused":
      return withStore(cluster, storeId, (store) => ({ ...store, paused: true }));
    case "storeResumed":
      return withStore(cluster, storeId, (store) => ({ ...store, paused: false }));
    case "faultArmed": {
      const { diskFault, crashMoment, crashKeeps } = body.value;
      return withStore(cluster, storeId, (store) => ({ ...store, diskFault, crashMoment, crashKeeps }));
    }
    case "clockSet":
      return withStore(cluster, storeId, (store) => ({ ...store, clock: clockSetOf(body.value, timeMicros) }));
    case "settingsChanged": {
      if (!cluster.config) return cluster;
      const { network, disk, links, filters, disks, workloads } = body.value;
      const config: Config = {
        ...cluster.config,
        network: network ?? cluster.config.network,
        disk: disk ?? cluster.config.disk,
        links,
        filters,
        disks,
        workloads,
      };
      return { ...cluster, config };
    }
    default:
      return cluster;
  }
}

function withMessage(cluster: Cluster, id: number, change: (message: Message) => Message): Cluster {
  const at = cluster.messages.findIndex((m) => m.id === id);
  if (at < 0) return cluster;
  return { ...cluster, messages: replaced(cluster.messages, at, change(cluster.messages[at])) };
}
