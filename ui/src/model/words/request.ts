/** Commands and log entries in words. */
import { fromBinary } from "@bufbuild/protobuf";
import type { Peer as PbPeer } from "../../pb/metapb/v1/metapb_pb";
import {
  ConfTransition,
  PeerChangeType,
  RaftCommandRequestSchema,
  ReadMode,
  StatusType,
  type AdminRequest,
  type Compare,
  type RaftCommandRequest,
  type Request,
} from "../../pb/raftcmdpb/v1/raftcmdpb_pb";
import { EntryType, type LogEntry } from "../../pb/sessionpb/v1/event_pb";
import { bytesText, sizeText } from "../text";

/** Longer commands are left out of an entry's event. */
const commandBytesMax = 1024;
const entryWordsByDigest = new Map<bigint, string>();

/** "put city Kyoto", "new term". Equal digests mean equal entries, so the words are made once for all stores. */
export function entryWords(entry: LogEntry): string {
  if (entry.type === EntryType.EMPTY) return "new term";
  // One without a command leaves a joint configuration; a long command is left out.
  if (entry.type === EntryType.CONF_CHANGE && entry.command.length === 0) {
    return entry.sizeBytes > commandBytesMax ? "membership change" : "leave the joint configuration";
  }
  if (entry.command.length === 0) return `command of ${sizeText(entry.sizeBytes)}`;
  const known = entryWordsByDigest.get(entry.digest);
  if (known !== undefined) return known;
  let words: string;
  try {
    words = requestWords(fromBinary(RaftCommandRequestSchema, entry.command));
  } catch {
    words = `command of ${sizeText(entry.sizeBytes)}`;
  }
  if (entryWordsByDigest.size > 10_000) entryWordsByDigest.clear();
  if (entry.digest !== 0n) entryWordsByDigest.set(entry.digest, words);
  return words;
}

export function requestWords(request: RaftCommandRequest): string {
  if (request.status) {
    return request.status.type === StatusType.REGION_LEADER ? "status leader" : "status";
  }
  if (request.admin) return adminWords(request.admin);
  const parts = request.requests.map(oneRequestWords);
  const compares = request.compares.map(compareWords);
  const what = parts.join("; ") || "nothing";
  return what + modeFlag(request.header?.readMode) + (compares.length > 0 ? ` if ${compares.join(" and ")}` : "");
}

function modeFlag(mode: ReadMode | undefined): string {
  switch (mode) {
    case ReadMode.LOG:
      return " --log";
    case ReadMode.LEASE:
      return " --lease";
    case ReadMode.STALE:
      return " --stale";
    default:
      return "";
  }
}

/** As it is typed: "split m", "add learner S6", "change add S6 remove S2 --explicit". */
export function adminWords(admin: AdminRequest): string {
  const r = admin.request;
  switch (r.case) {
    case "split":
      return `split ${quoted(r.value.splitKey)}`;
    case "compactLog":
      return r.value.compactIndex > 0n ? `compact ${r.value.compactIndex}` : "compact";
    case "transferLeader":
      return `transfer ${peerName(r.value.peer)}`;
    case "changePeers": {
      const explicit = r.value.transition === ConfTransition.EXPLICIT ? " --explicit" : "";
      const force = r.value.force ? " --force" : "";
      if (r.value.leaveJoint) return `leave${force}`;
      const changes = r.value.changes.map((c) => `${changeVerb(c.type)} ${peerName(c.peer)}`);
      return `${changes.length > 1 ? "change " : ""}${changes.join(" ") || "change nothing"}${explicit}${force}`;
    }
    default:
      return "change the region";
  }
}

function changeVerb(type: PeerChangeType): string {
  switch (type) {
    case PeerChangeType.ADD_LEARNER:
      return "add learner";
    case PeerChangeType.REMOVE:
      return "remove";
    default:
      return "add";
  }
}

function peerName(peer: PbPeer | undefined): string {
  if (!peer) return "nobody";
  return peer.storeId > 0n ? `S${peer.storeId}` : `peer ${peer.id}`;
}

function oneRequestWords(request: Request): string {
  const r = request.request;
  switch (r.case) {
    case "get":
      return `get ${quoted(r.value.key)}`;
    case "seek":
      return `seek ${quoted(r.value.key)}`;
    case "scan": {
      const end = r.value.endKey.length > 0 ? ` ${quoted(r.value.endKey)}` : "";
      return `scan ${quoted(r.value.startKey)}${end}${r.value.reverse ? " --reverse" : ""}`;
    }
    case "put":
      return `put ${quoted(r.value.key)} ${quoted(r.value.value)}`;
    case "delete":
      return `delete ${quoted(r.value.key)}`;
    default:
      return "nothing";
  }
}

function compareWords(compare: Compare): string {
  return compare.expect.case === "value"
    ? `${quoted(compare.key)} = ${quoted(compare.expect.value)}`
    : `absent ${quoted(compare.key)}`;
}

export function quoted(bytes: Uint8Array): string {
  const text = bytesText(bytes, 60);
  return text === "" || /[\s"';=]/.test(text) ? JSON.stringify(text) : text;
}
