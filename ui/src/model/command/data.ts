/** Commands on keys: reads, writes and their conditions. */
import { create } from "@bufbuild/protobuf";
import {
  CompareSchema,
  RaftCommandRequestSchema,
  ReadMode,
  RequestSchema,
  type Compare,
  type RaftCommandRequest,
  type Request,
} from "../../pb/raftcmdpb/v1/raftcmdpb_pb";
import { bytes, key, value, type CommandLimits } from "./limits";
import { takeFlags, Wrong, type Token } from "./token";

const readModes: ReadonlyMap<string, ReadMode> = new Map([
  ["--log", ReadMode.LOG],
  ["--lease", ReadMode.LEASE],
  ["--stale", ReadMode.STALE],
]);

export const readFlags = ["--log", "--lease", "--stale", "--reverse"] as const;

export function dataRequest(given: readonly Token[], limits: CommandLimits): RaftCommandRequest {
  const { rest: words, flags } = takeFlags(given, readFlags);
  const modes = [...flags].filter((f) => readModes.has(f));
  if (modes.length > 1) throw new Wrong(`A read has one mode: ${modes.join(" or ")}`);
  const readMode = readModes.get(modes[0]) ?? ReadMode.UNSPECIFIED;
  const at = words.findIndex((w) => !w.quoted && w.text.toLowerCase() === "if");
  const compares = at >= 0 ? conditions(words.slice(at + 1), limits) : [];
  const parts = split(at >= 0 ? words.slice(0, at) : words, (w) => w.text === ";");
  const requests = parts.filter((p) => p.length > 0).map((p) => oneRequest(p, limits, flags.has("--reverse"), parts.length > 1));
  if (requests.length === 0) throw new Wrong("There is nothing before “if”; for example: put city Oslo if city = Kyoto");
  if (requests.length > limits.requestsMax) {
    throw new Wrong(`That is ${requests.length} commands at once; at most ${limits.requestsMax} go together`);
  }
  const writes = requests.some((r) => r.request.case === "put" || r.request.case === "delete");
  if (writes && modes.length > 0) throw new Wrong(`${modes[0]} is for reads; writes always go through the log`);
  if (flags.has("--reverse") && !requests.some((r) => r.request.case === "scan")) {
    throw new Wrong("--reverse is for scan, for example: scan a z 10 --reverse");
  }
  return create(RaftCommandRequestSchema, {
    header: { readMode },
    requests,
    compares,
  });
}

function oneRequest(words: readonly Token[], limits: CommandLimits, reverse: boolean, ofSeveral: boolean): Request {
  const name = words[0].text.toLowerCase();
  const args = words.slice(1);
  const takes = (count: number, what: string, example: string) => {
    if (args.length !== count) throw new Wrong(`${name} takes ${what}, for example: ${example}`);
  };
  switch (name) {
    case "put":
      takes(2, "a key and a value (quote what has spaces)", 'put city "New York"');
      return create(RequestSchema, {
        request: { case: "put", value: { key: key(args[0], limits), value: value(args[1], limits) } },
      });
    case "get":
      takes(1, "one key", "get city");
      return create(RequestSchema, { request: { case: "get", value: { key: key(args[0], limits) } } });
    case "seek":
      takes(1, "one key", "seek c");
      return create(RequestSchema, { request: { case: "seek", value: { key: key(args[0], limits) } } });
    case "delete":
      takes(1, "one key", "delete city");
      return create(RequestSchema, { request: { case: "delete", value: { key: key(args[0], limits) } } });
    case "scan":
      return scan(args, limits, reverse);
    default:
      if (ofSeveral) throw new Wrong(`With ; between go put, get, seek, scan and delete, and not ${words[0].text}`);
      throw new Wrong(`There is no command ${words[0].text}; help lists those there are`);
  }
}

function scan(args: readonly Token[], limits: CommandLimits, reverse: boolean): Request {
  if (args.length > 3) throw new Wrong("scan takes a first key, an end and a limit, for example: scan a z 10");
  const isLimit = (t: Token | undefined) => t !== undefined && !t.quoted && /^\d+$/.test(t.text);
  let end = args[1];
  let limit = args[2];
  if (args.length === 2 && isLimit(end)) [end, limit] = [{ text: "", quoted: true }, end];
  if (limit && (!isLimit(limit) || Number(limit.text) < 1 || Number(limit.text) > 1000)) {
    throw new Wrong(`The limit of scan is a whole number from 1 to 1,000, not ${limit.text}`);
  }
  return create(RequestSchema, {
    request: {
      case: "scan",
      value: {
        startKey: args[0] ? bytes(args[0].text, limits.keyBytesMax, "key") : new Uint8Array(),
        endKey: end ? bytes(end.text, limits.keyBytesMax, "key") : new Uint8Array(),
        limit: limit ? Number(limit.text) : 10,
        reverse,
      },
    },
  });
}

function conditions(words: readonly Token[], limits: CommandLimits): Compare[] {
  return split(words, (w) => w.text.toLowerCase() === "and").map((part) => {
    if (part.length === 2 && !part[0].quoted && part[0].text.toLowerCase() === "absent") {
      return create(CompareSchema, { key: key(part[1], limits), expect: { case: "absent", value: true } });
    }
    if (part.length === 3 && part[1].text === "=") {
      return create(CompareSchema, {
        key: key(part[0], limits),
        expect: { case: "value", value: value(part[2], limits) },
      });
    }
    throw new Wrong("A condition reads: if city = Kyoto, or: if absent city");
  });
}

function split(words: readonly Token[], separates: (word: Token) => boolean): Token[][] {
  const parts: Token[][] = [[]];
  for (const word of words) {
    if (!word.quoted && separates(word)) parts.push([]);
    else parts[parts.length - 1].push(word);
  }
  return parts;
}
