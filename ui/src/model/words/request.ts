/** Commands and log entries in words. */
import { fromBinary } from "@bufbuild/protobuf";
import {
  RaftCommandRequestSchema,
  ReadMode,
  StatusType,
  type Compare,
  type RaftCommandRequest,
  type Request,
} from "../../pb/raftcmdpb/v1/raftcmdpb_pb";
import { EntryType, type LogEntry } from "../../pb/sessionpb/v1/event_pb";
import { bytesText, sizeText } from "../text";

const entryWordsByDigest = new Map<bigint, string>();

/** "put city Kyoto", "new term". Equal digests mean equal entries, so the words are made once for all stores. */
export function entryWords(entry: LogEntry): string {
  if (entry.type === EntryType.EMPTY) return "new term";
  if (entry.type === EntryType.CONF_CHANGE) return "membership change";
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
  const parts = request.requests.map(oneRequestWords);
  const compares = request.compares.map(compareWords);
  const what = parts.join("; ") || "nothing";
  const mode = request.header?.readMode === ReadMode.LOG ? " --log" : "";
  return what + mode + (compares.length > 0 ? ` if ${compares.join(" and ")}` : "");
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
      return `scan ${quoted(r.value.startKey)}${end}`;
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
