/**
 * The command bar's language. Pure: a line becomes a request, an action, or one sentence that says what is wrong.
 *
 *   put K V · get K · seek K · scan FROM [TO] [LIMIT] · delete K        several, with ; between, are one atomic command
 *   … if K = V and absent K2                                           preconditions
 *   get K --log                                                        a read through the log
 *   @S2 put K V                                                        to that store
 *   crash S2 · restart S2 · timeout S3 · status [S2] · help
 */
import { create } from "@bufbuild/protobuf";
import {
  CompareSchema,
  RaftCommandRequestSchema,
  ReadMode,
  RequestSchema,
  StatusType,
  type Compare,
  type RaftCommandRequest,
  type Request,
} from "../pb/raftcmdpb/v1/raftcmdpb_pb";
import { crashStore, restartStore, timeOutStore, type Action } from "./action";
import { sizeText, textBytes } from "./text";

export interface CommandLimits {
  readonly storeIds: readonly number[];
  readonly regionId: number;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  readonly requestsMax: number;
}

export type ParsedCommand =
  /** storeId 0: the page chooses. */
  | { readonly kind: "propose"; readonly storeId: number; readonly request: RaftCommandRequest }
  | { readonly kind: "act"; readonly action: Action; readonly words: string }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly sentence: string };

export interface CommandHelp {
  readonly name: string;
  readonly usage: string;
  readonly does: string;
}

export const commandHelp: readonly CommandHelp[] = [
  { name: "put", usage: "put city Kyoto", does: "writes a key" },
  { name: "get", usage: "get city", does: "reads a key; add --log to read through the log" },
  { name: "seek", usage: "seek c", does: "the first key at or after this one" },
  { name: "scan", usage: "scan a z 10", does: "keys from a up to, not including, z; at most 10" },
  { name: "delete", usage: "delete city", does: "removes a key" },
  { name: "put … if", usage: "put city Oslo if city = Kyoto", does: "only if that holds; also: if absent city" },
  { name: ";", usage: "put a 1; put b 2", does: "several at once, all or nothing" },
  { name: "@S2", usage: "@S2 get city", does: "sends the command to that store" },
  { name: "status", usage: "status S2", does: "what a store knows of its region" },
  { name: "crash", usage: "crash S2", does: "the store loses what it has not synced" },
  { name: "restart", usage: "restart S2", does: "the store comes back with what it had synced" },
  { name: "timeout", usage: "timeout S3", does: "its election timer fires now" },
];

/** The words a line may begin with, for completion. */
export const commandNames: readonly string[] = [
  "put",
  "get",
  "seek",
  "scan",
  "delete",
  "status",
  "crash",
  "restart",
  "timeout",
  "help",
];

interface Token {
  readonly text: string;
  readonly quoted: boolean;
}

class Wrong extends Error {}

export function parseCommand(line: string, limits: CommandLimits): ParsedCommand {
  try {
    return parse(tokens(line), limits);
  } catch (error) {
    if (error instanceof Wrong) return { kind: "wrong", sentence: error.message };
    throw error;
  }
}

function parse(words: Token[], limits: CommandLimits): ParsedCommand {
  let storeId = 0;
  if (words.length > 0 && !words[0].quoted && words[0].text.startsWith("@")) {
    storeId = storeIdOf(words[0].text.slice(1), limits);
    words = words.slice(1);
  }
  if (words.length === 0) throw new Wrong("Type a command, for example: put city Kyoto");
  const name = words[0].text.toLowerCase();
  switch (name) {
    case "help":
    case "?":
      return { kind: "help" };
    case "crash":
      return act(crashStore, "crashes", words, limits);
    case "restart":
      return act(restartStore, "restarts", words, limits);
    case "timeout":
      return act((id) => timeOutStore(id), "times out", words, limits);
    case "status": {
      if (words.length > 2) throw new Wrong("status takes at most one store, for example: status S2");
      if (words.length === 2) storeId = storeIdOf(words[1].text, limits);
      const request = create(RaftCommandRequestSchema, {
        header: { regionId: BigInt(limits.regionId) },
        status: { type: StatusType.REGION_DETAIL },
      });
      return { kind: "propose", storeId, request };
    }
  }
  return { kind: "propose", storeId, request: dataRequest(words, limits) };
}

function act(make: (id: number) => Action, verb: string, words: Token[], limits: CommandLimits): ParsedCommand {
  const name = words[0].text.toLowerCase();
  if (words.length !== 2) throw new Wrong(`${name} takes one store, for example: ${name} S${limits.storeIds[0] ?? 1}`);
  const id = storeIdOf(words[1].text, limits);
  return { kind: "act", action: make(id), words: `S${id} ${verb}` };
}

function dataRequest(words: Token[], limits: CommandLimits): RaftCommandRequest {
  let readMode = ReadMode.UNSPECIFIED;
  const log = words.findIndex((w) => !w.quoted && w.text === "--log");
  if (log >= 0) {
    readMode = ReadMode.LOG;
    words = words.filter((_, at) => at !== log);
  }
  const flag = words.find((w) => !w.quoted && w.text.startsWith("--"));
  if (flag) throw new Wrong(`There is no option ${flag.text}; the one there is, is --log, on reads`);
  const at = words.findIndex((w) => !w.quoted && w.text.toLowerCase() === "if");
  const compares = at >= 0 ? conditions(words.slice(at + 1), limits) : [];
  const parts = split(at >= 0 ? words.slice(0, at) : words, (w) => w.text === ";");
  const requests = parts.filter((p) => p.length > 0).map((p) => oneRequest(p, limits));
  if (requests.length === 0) throw new Wrong("There is nothing before “if”; for example: put city Oslo if city = Kyoto");
  if (requests.length > limits.requestsMax) {
    throw new Wrong(`That is ${requests.length} commands at once; at most ${limits.requestsMax} go together`);
  }
  const writes = requests.some((r) => r.request.case === "put" || r.request.case === "delete");
  if (writes && readMode === ReadMode.LOG) throw new Wrong("--log is for reads; writes always go through the log");
  return create(RaftCommandRequestSchema, {
    header: { regionId: BigInt(limits.regionId), readMode },
    requests,
    compares,
  });
}

function oneRequest(words: Token[], limits: CommandLimits): Request {
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
      return scan(args, limits);
    default:
      throw new Wrong(
        `There is no command ${words[0].text}; try put, get, seek, scan, delete, crash, restart, timeout, status or help`,
      );
  }
}

function scan(args: Token[], limits: CommandLimits): Request {
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
      },
    },
  });
}

function conditions(words: Token[], limits: CommandLimits): Compare[] {
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

function split(words: Token[], separates: (word: Token) => boolean): Token[][] {
  const parts: Token[][] = [[]];
  for (const word of words) {
    if (!word.quoted && separates(word)) parts.push([]);
    else parts[parts.length - 1].push(word);
  }
  return parts;
}

function key(token: Token, limits: CommandLimits): Uint8Array {
  if (token.text === "") throw new Wrong("A key cannot be empty");
  return bytes(token.text, limits.keyBytesMax, "key");
}

function value(token: Token, limits: CommandLimits): Uint8Array {
  return bytes(token.text, limits.valueBytesMax, "value");
}

function bytes(text: string, sizeMax: number, what: string): Uint8Array {
  const encoded = textBytes(text);
  if (encoded.length > sizeMax) {
    throw new Wrong(`The ${what} is ${sizeText(encoded.length)}; at most ${sizeText(sizeMax)} are allowed`);
  }
  return encoded;
}

function storeIdOf(text: string, limits: CommandLimits): number {
  const match = /^s?(\d+)$/i.exec(text);
  const id = match ? Number(match[1]) : 0;
  if (!limits.storeIds.includes(id)) {
    const first = limits.storeIds[0] ?? 1;
    const last = limits.storeIds[limits.storeIds.length - 1] ?? 1;
    throw new Wrong(`There is no store ${text || "without a name"}; the stores are S${first} to S${last}`);
  }
  return id;
}

/** Words apart at blanks; "…" and '…' hold blanks; ; and = stand alone. */
function tokens(line: string): Token[] {
  const out: Token[] = [];
  let at = 0;
  while (at < line.length) {
    const c = line[at];
    if (/\s/.test(c)) {
      at++;
    } else if (c === '"' || c === "'") {
      let text = "";
      at++;
      while (at < line.length && line[at] !== c) {
        if (line[at] === "\\" && at + 1 < line.length) at++;
        text += line[at++];
      }
      if (at >= line.length) throw new Wrong(`The quotation that begins with ${c} does not end`);
      at++;
      out.push({ text, quoted: true });
    } else if (c === ";" || c === "=") {
      out.push({ text: c, quoted: false });
      at++;
    } else {
      const word = /^[^\s;="']+/.exec(line.slice(at))![0];
      out.push({ text: word, quoted: false });
      at += word.length;
    }
  }
  return out;
}
