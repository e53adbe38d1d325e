import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { RaftCommandResponseSchema } from "../pb/raftcmdpb/v1/raftcmdpb_pb";
import { Bug, WorkloadKind } from "../pb/sessionpb/v1/fault_pb";
import { FindingSchema, RecoverResultSchema, VerdictKind, VerdictSchema } from "../pb/sessionpb/v1/session_pb";
import { fold, operationsMax } from "./fold";
import { cut, extend, startHistory } from "./history";
import { operationsKnown } from "./operations";
import { noCluster, type Operation } from "./state";
import { put, Script } from "./testing/run";
import { textBytes } from "./text";
import { byWeight, keysWords, operationMentions, recoverTitle, scopeWords, workloadsWords } from "./words";
import { bugGroups, bugWords } from "./words/bug";
import { clientsOf, mannerOf, withClients, withManner } from "./workload";

const ok = create(RaftCommandResponseSchema, { responses: [{ response: { case: "put", value: {} } }] });

function ask(script: Script, id: number, worker = 0, retryOf = 0): void {
  const operation = { id: BigInt(id), toStore: 1n, request: put(`k${id}`, "v"), startedMicros: BigInt(script.micros), worker, retryOf: BigInt(retryOf) };
  script.add(1, { case: "operationStarted", value: { operation } });
}

function answer(script: Script, id: number): void {
  script.add(1, { case: "operationEnded", value: { id: BigInt(id), response: ok } });
}

describe("operations", () => {
  test("are remembered as intervals, and wait again where one goes back to before their answer", () => {
    const script = new Script();
    ask(script, 1, 3);
    const asked = script.events.slice();
    answer(script, 1);
    const history = extend(startHistory(noCluster), script.events);
    expect(history.operations.map((o) => [o.id, o.operation.worker, o.startedSeq, o.endedSeq])).toEqual([[1, 3, 2, 3]]);
    const at = asked.reduce(fold, noCluster);
    const [open] = cut(history, at).operations;
    expect([open.endedSeq, open.operation.response]).toEqual([0, null]);
  });

  test("of busy clients do not push out a person's own", () => {
    const script = new Script();
    ask(script, 1);
    for (let id = 2; id < operationsMax + 50; id++) ask(script, id, 1);
    const { operations } = script.events.reduce(fold, noCluster);
    expect(operations[0].id).toBe(1);
    expect(operations.filter((o) => o.worker > 0)).toHaveLength(operationsMax);
  });

  test("of clients that work by themselves are events of their own kind, told with the client's number", () => {
    const script = new Script();
    ask(script, 1);
    ask(script, 2, 4);
    ask(script, 3, 4, 2);
    const { events } = extend(startHistory(noCluster), script.events);
    expect(events.slice(1).map((e) => `${e.group}: ${e.words}`)).toEqual([
      "client: Client sends S1: put k1 v",
      "workloads: Client 4 sends S1: put k2 v",
      "workloads: Client 4 tries again at S1: put k3 v",
    ]);
  });

  test("that were judged stand before those that the page remembers", () => {
    const script = new Script();
    ask(script, 7, 1);
    const { operations } = extend(startHistory(noCluster), script.events);
    const judged = new Map<number, Operation>([2, 7, 9].map((id) => [id, { ...operations[0].operation, id }]));
    // 9 began later than what is known now: it is of another future.
    expect(operationsKnown(operations, judged).map((o) => o.id)).toEqual([2, 7]);
  });
});

describe("workloads", () => {
  test("change by kind, and keep how their clients work", () => {
    const two = withClients(withClients([], WorkloadKind.BANK, 2), WorkloadKind.REGISTERS, 4);
    expect(workloadsWords(two)).toBe("4 on registers and 2 on bank");
    const slow = withManner(two, { ...mannerOf(two), thinkMicros: 5_000_000 });
    expect(mannerOf(withClients(slow, WorkloadKind.SETS, 1).filter((w) => w.kind === WorkloadKind.SETS)).thinkMicros).toBe(5_000_000);
    expect(clientsOf(withClients(slow, WorkloadKind.BANK, 0), WorkloadKind.BANK)).toBe(0);
    expect(workloadsWords([])).toBe("none");
  });
});

test("every bug is offered once, under its own name and with its own sentence", () => {
  const all = Object.values(Bug).filter((b): b is Bug => typeof b === "number" && b !== Bug.UNSPECIFIED);
  const offered = bugGroups.flatMap((g) => g.bugs);
  expect([...offered].sort((a, b) => a - b)).toEqual(all);
  expect(new Set(offered.map((b) => bugWords[b].name)).size).toBe(all.length);
  for (const bug of offered) expect(bugWords[bug].breaks).toMatch(/^[A-Z].*\.$/);
});

describe("a verdict in words", () => {
  test("says what was left out", () => {
    expect(scopeWords(create(VerdictSchema, { judged: 12 }))).toBe("12 operations were judged; none was left out.");
    expect(scopeWords(create(VerdictSchema, { judged: 1, leftOut: 3 }))).toContain("1 operation was judged; 3 were left out: stale reads, scans");
  });

  test("names operations so that they can be followed", () => {
    expect(operationMentions("S3 answered operation 357 although operation 12 was acknowledged.")).toEqual([
      { words: "S3 answered ", id: 0 },
      { words: "operation 357", id: 357 },
      { words: " although ", id: 0 },
      { words: "operation 12", id: 12 },
      { words: " was acknowledged.", id: 0 },
    ]);
  });

  test("tells what is wrong first", () => {
    const found = [VerdictKind.LINEARIZABLE, VerdictKind.UNDECIDED, VerdictKind.VIOLATED].map((kind) => create(FindingSchema, { kind }));
    expect(byWeight(found).map((f) => f.kind)).toEqual([VerdictKind.VIOLATED, VerdictKind.UNDECIDED, VerdictKind.LINEARIZABLE]);
    expect(keysWords(create(FindingSchema, { keys: ["a", "b"].map(textBytes) }))).toBe("keys a and b");
  });
});

test("whether a cluster recovers is told with the time and the stores", () => {
  const result = create(RecoverResultSchema, {
    recovers: true,
    storeIds: [1n, 3n, 4n],
    regions: [
      { regionId: 1n, serves: true, afterMicros: 400_000n },
      { regionId: 2n, serves: true, afterMicros: 1_200_000n },
    ],
  });
  expect(recoverTitle(result)).toBe("Yes, after 1.2 s, with S1, S3 and S4");
  expect(recoverTitle(create(RecoverResultSchema, { recovers: false }))).toBe("No");
});
