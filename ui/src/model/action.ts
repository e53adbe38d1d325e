/** Actions that a person takes on the cluster, ready to be sent as a session's Act. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { RaftCommandRequest } from "../pb/raftcmdpb/v1/raftcmdpb_pb";
import { ActionSchema, type Action } from "../pb/sessionpb/v1/run_pb";
import {
  CrashKeeps,
  CrashMoment,
  type ClockSchema,
  type DiskFault,
  type DiskSchema,
  type FilterSchema,
  type LinkSchema,
  type Network,
  type PartitionKind,
  type Workload,
} from "../pb/sessionpb/v1/fault_pb";

export type { Action };

export function propose(storeId: number, request: RaftCommandRequest): Action {
  return create(ActionSchema, { action: { case: "propose", value: { storeId: BigInt(storeId), request } } });
}

export interface Crash {
  readonly keeps?: CrashKeeps;
  readonly moment?: CrashMoment;
}

export function crashStore(storeId: number, how: Crash = {}): Action {
  const { keeps = CrashKeeps.UNSPECIFIED, moment = CrashMoment.UNSPECIFIED } = how;
  return create(ActionSchema, { action: { case: "crashStore", value: { storeId: BigInt(storeId), keeps, moment } } });
}

/** wiped: on an empty disk. */
export function restartStore(storeId: number, wiped = false): Action {
  return create(ActionSchema, { action: { case: "restartStore", value: { storeId: BigInt(storeId), wiped } } });
}

export function dropMessage(messageId: number): Action {
  return create(ActionSchema, { action: { case: "dropMessage", value: { messageId: BigInt(messageId) } } });
}

export function deliverMessage(messageId: number): Action {
  return create(ActionSchema, { action: { case: "deliverMessage", value: { messageId: BigInt(messageId) } } });
}

export function timeOutStore(storeId: number, regionId = 0): Action {
  return create(ActionSchema, {
    action: { case: "timeOutStore", value: { storeId: BigInt(storeId), regionId: BigInt(regionId) } },
  });
}

export function setElectionTimeout(storeId: number, timeoutTicks: number, regionId = 0): Action {
  return create(ActionSchema, {
    action: {
      case: "setElectionTimeout",
      value: { storeId: BigInt(storeId), regionId: BigInt(regionId), timeoutTicks },
    },
  });
}

export function setNetwork(network: Network): Action {
  return create(ActionSchema, { action: { case: "setNetwork", value: { network } } });
}

/** Of one store, or with store 0 of every one; without a disk a store's is like the others again. */
export function setDisk(disk: MessageInitShape<typeof DiskSchema> | undefined, storeId = 0): Action {
  return create(ActionSchema, { action: { case: "setDisk", value: { disk, storeId: BigInt(storeId) } } });
}

export function addStore(): Action {
  return create(ActionSchema, { action: { case: "addStore", value: {} } });
}

// Messages.

export function holdMessage(messageId: number): Action {
  return create(ActionSchema, { action: { case: "holdMessage", value: { messageId: BigInt(messageId) } } });
}

export function releaseMessage(messageId: number): Action {
  return create(ActionSchema, { action: { case: "releaseMessage", value: { messageId: BigInt(messageId) } } });
}

export function delayMessage(messageId: number, delayMicros: number): Action {
  return create(ActionSchema, {
    action: { case: "delayMessage", value: { messageId: BigInt(messageId), delayMicros: BigInt(delayMicros) } },
  });
}

export function duplicateMessage(messageId: number): Action {
  return create(ActionSchema, { action: { case: "duplicateMessage", value: { messageId: BigInt(messageId) } } });
}

// Links.

/** Changes the links named; one with nothing set is like every other again. */
export function setLinks(links: readonly MessageInitShape<typeof LinkSchema>[]): Action {
  return create(ActionSchema, { action: { case: "setLinks", value: { links: [...links] } } });
}

export function partition(kind: PartitionKind, sides: readonly (readonly number[])[]): Action {
  return create(ActionSchema, {
    action: { case: "partition", value: { kind, sides: sides.map((ids) => ({ storeIds: ids.map(BigInt) })) } },
  });
}

export function setFilters(filters: readonly MessageInitShape<typeof FilterSchema>[]): Action {
  return create(ActionSchema, { action: { case: "setFilters", value: { filters: [...filters] } } });
}

// Stores.

/** Without a fault the disk is mended. */
export function failDisk(storeId: number, fault: DiskFault): Action {
  return create(ActionSchema, { action: { case: "failDisk", value: { storeId: BigInt(storeId), fault } } });
}

export function corruptDisk(storeId: number): Action {
  return create(ActionSchema, { action: { case: "corruptDisk", value: { storeId: BigInt(storeId) } } });
}

export function pauseStore(storeId: number): Action {
  return create(ActionSchema, { action: { case: "pauseStore", value: { storeId: BigInt(storeId) } } });
}

export function resumeStore(storeId: number): Action {
  return create(ActionSchema, { action: { case: "resumeStore", value: { storeId: BigInt(storeId) } } });
}

export function setClock(storeId: number, clock: MessageInitShape<typeof ClockSchema>, jumpMicros = 0): Action {
  return create(ActionSchema, {
    action: { case: "setClock", value: { storeId: BigInt(storeId), clock, jumpMicros: BigInt(jumpMicros) } },
  });
}

/** Of all stores when none is named. */
export function heal(storeIds: readonly number[] = []): Action {
  return create(ActionSchema, { action: { case: "heal", value: { storeIds: storeIds.map(BigInt) } } });
}

// Clients.

/** In place of the clients that work by themselves now. */
export function setWorkloads(workloads: readonly Workload[]): Action {
  return create(ActionSchema, { action: { case: "setWorkloads", value: { workloads: [...workloads] } } });
}
