import { describe, expect, test } from "vitest";
import { ReadMode } from "../pb/raftcmdpb/v1/raftcmdpb_pb";
import { parseCommand, type CommandLimits } from "./command";
import { requestWords } from "./words";

const limits: CommandLimits = { storeIds: [1, 2, 3], regionId: 1, keyBytesMax: 16, valueBytesMax: 32, requestsMax: 3 };

function said(line: string): string {
  const parsed = parseCommand(line, limits);
  switch (parsed.kind) {
    case "propose":
      return `${parsed.storeId || "any"}: ${requestWords(parsed.request)}`;
    case "act":
      return parsed.words;
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
  ])("%s", (line, words) => expect(said(line)).toBe(words));

  test("a read through the log", () => {
    const parsed = parseCommand("get a --log", limits);
    expect(parsed.kind === "propose" && parsed.request.header?.readMode).toBe(ReadMode.LOG);
  });
});

describe("the command bar refuses, in a sentence", () => {
  test.each([
    ["", "Type a command, for example: put city Kyoto"],
    ["jump", "There is no command jump; try put, get, seek, scan, delete, crash, restart, timeout, status or help"],
    ["put city", 'put takes a key and a value (quote what has spaces), for example: put city "New York"'],
    ["put city New York", 'put takes a key and a value (quote what has spaces), for example: put city "New York"'],
    ['put "" x', "A key cannot be empty"],
    ["put abcdefghijklmnopq x", "The key is 17 B; at most 16 B are allowed"],
    ["put a 123456789012345678901234567890123", "The value is 33 B; at most 32 B are allowed"],
    ["put a 1; put b 2; put c 3; put d 4", "That is 4 commands at once; at most 3 go together"],
    ['put a "open', 'The quotation that begins with " does not end'],
    ["put a 1 --log", "--log is for reads; writes always go through the log"],
    ["get a --fast", "There is no option --fast; the one there is, is --log, on reads"],
    ["put a 1 if a", "A condition reads: if city = Kyoto, or: if absent city"],
    ["if a = 1", "There is nothing before “if”; for example: put city Oslo if city = Kyoto"],
    ["crash S9", "There is no store S9; the stores are S1 to S3"],
    ["crash", "crash takes one store, for example: crash S1"],
    ["@S9 get a", "There is no store S9; the stores are S1 to S3"],
    ["scan a z 0", "The limit of scan is a whole number from 1 to 1,000, not 0"],
  ])("%s", (line, sentence) => expect(said(line)).toBe(`wrong: ${sentence}`));
});
