/**
 * The command bar's language. Pure: a line becomes a request, an action, or one sentence that says what is wrong.
 *
 *   put K V · get K · seek K · scan FROM [TO] [LIMIT] · delete K        several, with ; between, are one atomic command
 *   … if K = V and absent K2                                           preconditions
 *   get K --log · --lease · --stale, scan … --reverse                  how a read is served
 *   split K · compact [INDEX] · transfer S4                            a region's range, log, leader
 *   add [learner] S6 · promote S6 · demote S3 · remove S2 · leave      its members
 *   change add S6 remove S2 [--explicit] [--force]                     several at once
 *   @S2 … · #2 … · region 2 …                                          to that store, for that region
 *   add store · timeout S3 · status [S2] · help
 *   clients registers 4 · clients off · recover                        clients that work, would it recover
 *   cut S1 S2 · cut S1 > S2 · clog · mend · loss 20% S1 > S2 · latency 50ms …     links, both ways or one
 *   partition S1 S2 | S3 S4 S5 · partition S1 > others · ring · bridge S3 · heal [S1 …]
 *   lose append-response from S2 · filters off                         filters of messages to come
 *   hold 123 · release 123 · delay 123 500ms · duplicate 123 · drop 123 · deliver 123
 *   crash S2 [before sync] [--keep some|torn] · restart S2 [--wiped] · pause S2 · resume S2
 *   disk S2 full|write-error|sync-error|slow|ok · clock S2 2x|+5s|late 50ms|ok
 */
import { create } from "@bufbuild/protobuf";
import { RaftCommandRequestSchema, StatusType, type RaftCommandRequest } from "../pb/raftcmdpb/v1/raftcmdpb_pb";
import { addStore, timeOutStore, type Action } from "./action";
import { adminCommand } from "./command/admin";
import { clientsCommand, type ClientsCommand } from "./command/clients";
import { dataRequest } from "./command/data";
import { linkCommand } from "./command/link";
import { storeCommand } from "./command/store";
import { nextStoreId, regionIdOf, storeIdOf, type CommandLimits } from "./command/limits";
import { tokens, Wrong, type Token } from "./command/token";

export { completions } from "./command/completion";
export type { CommandLimits } from "./command/limits";

export type ParsedCommand =
  | {
      readonly kind: "propose";
      /** 0: the page chooses. */
      readonly storeId: number;
      /** 0: the command's key tells, or else the page chooses. */
      readonly regionId: number;
      /** So many stores have to be added first. */
      readonly addStores: number;
      readonly request: RaftCommandRequest;
    }
  | { readonly kind: "act"; readonly action: Action; readonly then: readonly Action[]; readonly words: string }
  | ({ readonly kind: "clients" } & ClientsCommand)
  | { readonly kind: "recover" }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly sentence: string };

export function parseCommand(line: string, limits: CommandLimits): ParsedCommand {
  try {
    return parse(tokens(line), limits);
  } catch (error) {
    if (error instanceof Wrong) return { kind: "wrong", sentence: error.message };
    throw error;
  }
}

function parse(line: readonly Token[], limits: CommandLimits): ParsedCommand {
  const { storeId, regionId, words } = addressed(line, limits);
  if (words.length === 0) throw new Wrong("Type a command, for example: put city Kyoto");
  const name = words[0].text.toLowerCase();
  switch (name) {
    case "help":
    case "?":
      return { kind: "help" };
    case "clients":
      return { kind: "clients", ...clientsCommand(words.slice(1), limits.clientsMax) };
    case "recover":
      if (words.length > 1) throw new Wrong("recover takes nothing: it asks whether the cluster would recover");
      return { kind: "recover" };
    case "timeout":
      return act((id) => timeOutStore(id, regionId || limits.regionSelected), "times out", words, limits);
    case "status": {
      if (words.length > 2) throw new Wrong("status takes at most one store, for example: status S2");
      const of = words.length === 2 ? storeIdOf(words[1].text, limits) : storeId;
      const request = create(RaftCommandRequestSchema, { header: {}, status: { type: StatusType.REGION_DETAIL } });
      return { kind: "propose", storeId: of, regionId, addStores: 0, request };
    }
    case "add":
      if (words.length === 2 && words[1].text.toLowerCase() === "store") return anotherStore(limits);
  }
  const fault = linkCommand(name, words.slice(1), limits) ?? storeCommand(name, words.slice(1), limits);
  if (fault) return { kind: "act", ...fault };
  const admin = adminCommand(name, words.slice(1), limits);
  if (admin) return { kind: "propose", storeId, ...admin, regionId: admin.regionId || regionId };
  return { kind: "propose", storeId, regionId, addStores: 0, request: dataRequest(words, limits) };
}

/** "@S2", "#2" and "region 2" before the command itself, in any order. */
function addressed(line: readonly Token[], limits: CommandLimits): { storeId: number; regionId: number; words: readonly Token[] } {
  let storeId = 0;
  let regionId = 0;
  let words = line;
  while (words.length > 0 && !words[0].quoted) {
    const text = words[0].text;
    if (text.startsWith("@")) {
      storeId = storeIdOf(text.slice(1), limits);
      words = words.slice(1);
    } else if (text.startsWith("#")) {
      regionId = regionIdOf(text.slice(1), limits);
      words = words.slice(1);
    } else if (text.toLowerCase() === "region") {
      regionId = regionIdOf(words[1]?.text ?? "", limits);
      words = words.slice(2);
    } else {
      break;
    }
  }
  return { storeId, regionId, words };
}

function anotherStore(limits: CommandLimits): ParsedCommand {
  const next = nextStoreId(limits);
  if (next === 0) {
    throw new Wrong(limits.storesMax > 0 ? `There can be at most ${limits.storesMax} stores` : "No store can be added here");
  }
  return { kind: "act", action: addStore(), then: [], words: `S${next} joins the cluster` };
}

function act(make: (id: number) => Action, verb: string, words: readonly Token[], limits: CommandLimits): ParsedCommand {
  const name = words[0].text.toLowerCase();
  if (words.length !== 2) throw new Wrong(`${name} takes one store, for example: ${name} S${limits.storeIds[0] ?? 1}`);
  const id = storeIdOf(words[1].text, limits);
  return { kind: "act", action: make(id), then: [], words: `S${id} ${verb}` };
}
