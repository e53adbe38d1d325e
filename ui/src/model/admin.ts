/** Requests that change a region. Which region, the header says; it is filled in where the region is known. */
import { clone, create } from "@bufbuild/protobuf";
import {
  ConfTransition,
  PeerChangeSchema,
  PeerChangeType,
  RaftCommandRequestSchema,
  RequestHeaderSchema,
  type PeerChange,
  type RaftCommandRequest,
} from "../pb/raftcmdpb/v1/raftcmdpb_pb";

export type { PeerChange };

/** [start, key) keeps the id; [key, end) is a new region. */
export function splitRegion(splitKey: Uint8Array): RaftCommandRequest {
  return create(RaftCommandRequestSchema, { header: {}, admin: { request: { case: "split", value: { splitKey } } } });
}

/** 0: as much as is applied. */
export function compactLog(index = 0): RaftCommandRequest {
  return create(RaftCommandRequestSchema, {
    header: {},
    admin: { request: { case: "compactLog", value: { compactIndex: BigInt(index) } } },
  });
}

export function transferLeader(storeId: number): RaftCommandRequest {
  return create(RaftCommandRequestSchema, {
    header: {},
    admin: { request: { case: "transferLeader", value: { peer: { storeId: BigInt(storeId) } } } },
  });
}

export function changePeers(
  changes: readonly PeerChange[],
  options: { readonly explicit?: boolean; readonly force?: boolean } = {},
): RaftCommandRequest {
  return create(RaftCommandRequestSchema, {
    header: {},
    admin: {
      request: {
        case: "changePeers",
        value: {
          changes: [...changes],
          transition: options.explicit ? ConfTransition.EXPLICIT : ConfTransition.UNSPECIFIED,
          force: options.force ?? false,
        },
      },
    },
  });
}

export function leaveJoint(force = false): RaftCommandRequest {
  return create(RaftCommandRequestSchema, {
    header: {},
    admin: { request: { case: "changePeers", value: { leaveJoint: true, force } } },
  });
}

/** A new voter, or a learner promoted. */
export function addVoter(storeId: number): PeerChange {
  return change(PeerChangeType.ADD_VOTER, storeId);
}

/** A new learner, or a voter demoted. */
export function addLearner(storeId: number): PeerChange {
  return change(PeerChangeType.ADD_LEARNER, storeId);
}

export function removePeer(storeId: number): PeerChange {
  return change(PeerChangeType.REMOVE, storeId);
}

function change(type: PeerChangeType, storeId: number): PeerChange {
  return create(PeerChangeSchema, { type, peer: { storeId: BigInt(storeId) } });
}

/** The same command for a region. */
export function forRegion(request: RaftCommandRequest, regionId: number): RaftCommandRequest {
  const copy = clone(RaftCommandRequestSchema, request);
  copy.header ??= create(RequestHeaderSchema);
  copy.header.regionId = BigInt(regionId);
  return copy;
}
