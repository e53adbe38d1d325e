/** Actions that a person takes on the cluster, ready to be sent as a session's Act. */
import { create } from "@bufbuild/protobuf";
import type { RaftCommandRequest } from "../pb/raftcmdpb/v1/raftcmdpb_pb";
import { ActionSchema, type Action } from "../pb/sessionpb/v1/run_pb";
import type { Disk, Network } from "../pb/sessionpb/v1/fault_pb";

export type { Action };

export function propose(storeId: number, request: RaftCommandRequest): Action {
  return create(ActionSchema, { action: { case: "propose", value: { storeId: BigInt(storeId), request } } });
}

export function crashStore(storeId: number): Action {
  return create(ActionSchema, { action: { case: "crashStore", value: { storeId: BigInt(storeId) } } });
}

export function restartStore(storeId: number): Action {
  return create(ActionSchema, { action: { case: "restartStore", value: { storeId: BigInt(storeId) } } });
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

export function setDisk(disk: Disk): Action {
  return create(ActionSchema, { action: { case: "setDisk", value: { disk } } });
}

export function addStore(): Action {
  return create(ActionSchema, { action: { case: "addStore", value: {} } });
}
