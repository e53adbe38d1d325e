import { describe, expect, test } from "vitest";
import { ReadMode } from "../pb/raftcmdpb/v1/raftcmdpb_pb";
import { WorkloadKind } from "../pb/sessionpb/v1/fault_pb";
import { completions, parseCommand, type CommandLimits } from "./command";
import { requestWords } from "./words";

const limits: CommandLimits = {
  storeIds: [1, 2, 3],
  regionIds: [1, 2],
  regionSelected: 1,
  storesMax: 5,
  keyBytesMax: 16,
  valueBytesMax: 32,
  requestsMax: 3,
  clientsMax: 16,
};

function said(line: string): string {
  const parsed = parseCommand(line, limits);
  switch (parsed.kind) {
    case "propose":
      return [
        parsed.storeId > 0 ? `${parsed.storeId}:` : "any:",
        ...(parsed.regionId > 0 ? [`region ${parsed.regionId}:`] : []),
        ...(parsed.addStores > 0 ? [`${parsed.addStores} more:`] : []),
        requestWords(parsed.request),
      ].join(" ");
    case "act":
      return parsed.words;
    case "clients":
      return `clients ${WorkloadKind[parsed.workload]} ${parsed.clients}`;
    case "recover":
      return "recover";
    case "help":
      return "help";
    case "wrong":
      return `wrong: ${parsed.sentence}`;
  }
}

describe("the command bar understands", () => {
  test.each([
    ["put city Kyoto", "any: put city Kyoto"],
    ['put "the city" "New York"', 'any: put "the city" "New York"'],
    ["  GET city ", "any: get city"],
    ["get city --log", "any: get city --log"],
    ["seek c", "any: seek c"],
    ["scan a z 5", "any: scan a z"],
    ["scan a 5", "any: scan a"],
    ["clients registers 4", "clients REGISTERS 4"],
    ["clients bank", "clients BANK 1"],
    ["clients sets off", "clients SETS 0"],
    ["clients off", "clients UNSPECIFIED 0"],
    ["recover", "recover"],
    ["delete city", "any: delete city"],
    ["@S2 put a 1", "2: put a 1"],
    ["@3 get a", "3: get a"],
    ["put a 1; put b 2", "any: put a 1; put b 2"],
    ["put a 1 if a = 0 and absent b", "any: put a 1 if a = 0 and absent b"],
    ["put a 1 if a=0", "any: put a 1 if a = 0"],
    ["status s2", "2: status"],
    ["crash S2", "S2 crashes"],
    ["restart 2", "S2 restarts"],
    ["timeout s3", "S3 times out"],
    ["help", "help"],
    ["get city --stale", "any: get city --stale"],
    ["get city --lease", "any: get city --lease"],
    ["scan a z 10 --reverse", "any: scan a z --reverse"],
    ["split m", "any: split m"],
    ["#2 put z 1", "any: region 2: put z 1"],
    ["region 2 compact", "any: region 2: compact"],
    ["compact 40 #2", "any: region 2: compact 40"],
    ["@S2 #2 get z --stale", "2: region 2: get z --stale"],
    ["transfer S3", "any: transfer S3"],
    ["add S3", "any: add S3"],
    ["add learner s4", "any: 1 more: add learner S4"],
    ["promote S3", "any: add S3"],
    ["demote S3", "any: add learner S3"],
    ["remove S2 --force", "any: remove S2 --force"],
    ["change add S4 add learner S5 remove S2 --explicit", "any: 2 more: change add S4 add learner S5 remove S2 --explicit"],
    ["leave", "any: leave"],
    ["add store", "S4 joins the cluster"],
    ["#2 timeout S3", "S3 times out"],
  ])("%s", (line, words) => expect(said(line)).toBe(words));

  test("a read through the log", () => {
    const parsed = parseCommand("get a --log", limits);
    expect(parsed.kind === "propose" && parsed.request.header?.readMode).toBe(ReadMode.LOG);
  });
});

describe("the command bar refuses, in a sentence", () => {
  test.each([
    ["", "Type a command, for example: put city Kyoto"],
    ["put city Oslo; cut S1 > S2", "With ; between go put, get, seek, scan and delete, and not cut"],
    ["jump", "There is no command jump; help lists those there are"],
    ["put city", 'put takes a key and a value (quote what has spaces), for example: put city "New York"'],
    ["put city New York", 'put takes a key and a value (quote what has spaces), for example: put city "New York"'],
    ['put "" x', "A key cannot be empty"],
    ["put abcdefghijklmnopq x", "The key is 17 B; at most 16 B are allowed"],
    ["put a 123456789012345678901234567890123", "The value is 33 B; at most 32 B are allowed"],
    ["put a 1; put b 2; put c 3; put d 4", "That is 4 commands at once; at most 3 go together"],
    ['put a "open', 'The quotation that begins with " does not end'],
    ["put a 1 --log", "--log is for reads; writes always go through the log"],
    ["get a --fast", "There is no option --fast here; there are --log, --lease, --stale, --reverse"],
    ["put a 1 if a", "A condition reads: if city = Kyoto, or: if absent city"],
    ["if a = 1", "There is nothing before “if”; for example: put city Oslo if city = Kyoto"],
    ["crash S9", "There is no store S9; the stores are S1 to S3"],
    ["crash", "crash takes one store, for example: crash S1"],
    ["@S9 get a", "There is no store S9; the stores are S1 to S3"],
    ["get a --log --stale", "A read has one mode: --log or --stale"],
    ["get a --reverse", "--reverse is for scan, for example: scan a z 10 --reverse"],
    ["#3 get a", "There is no region 3; there are #1, #2"],
    ["split", "split takes the first key of the new region, for example: split m"],
    ["compact all", "compact takes at most the last entry to let go, for example: compact 40"],
    ["promote S4", "There is no store S4; the stores are S1 to S3"],
    ["add S5", "There is no store S5; the next one is S4"],
    ["add S9", "There is no store S9; the next one is S4"],
    ["add S3 S4", "A change reads: add S6, add learner S6, promote S6, demote S3 or remove S2"],
    ["change add S4 remove S4", "There is no store S4; the stores are S1 to S3"],
    ["change add S3 remove S3", "S3 is named twice; each store changes once"],
    ["change", "change takes one change or several, for example: change add S6 remove S2"],
    ["leave --explicit", "There is no option --explicit here; there is --force"],
    ["scan a z 0", "The limit of scan is a whole number from 1 to 1,000, not 0"],
  ])("%s", (line, sentence) => expect(said(line)).toBe(`wrong: ${sentence}`));
});

describe("the command bar completes", () => {
  test.each([
    ["sp", ["split"]],
    ["", []],
    ["@", ["@S1", "@S2", "@S3"]],
    ["#", ["#1", "#2"]],
    ["add ", ["learner", "store", "S4", "S1", "S2", "S3"]],
    ["add learner ", ["S4", "S1", "S2", "S3"]],
    ["#2 tr", ["transfer"]],
    ["transfer s", ["S1", "S2", "S3"]],
    ["change add S4 r", ["remove"]],
    ["change add S4 remove S2 --e", ["--explicit"]],
    ["get a --s", ["--stale"]],
    ["put a ", []],
  ])("%s", (line, words) => expect(completions(line, limits)).toEqual(words));
});
