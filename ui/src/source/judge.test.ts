import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HistorySchema, VerdictKind, VerdictSchema } from "../pb/sessionpb/v1/session_pb";
import type { FromWorker, ToWorker } from "./boundary";
import { judge } from "./judge";

vi.mock("./core", () => ({ compile: () => Promise.resolve({} as WebAssembly.Module) }));

/** A worker that notes what it is sent, and says what a test lets it say. */
class FakeWorker {
  static last: FakeWorker;
  readonly sent: ToWorker[] = [];
  terminated = false;
  onmessage: ((event: { data: FromWorker }) => void) | null = null;
  onerror: ((event: { message: string; preventDefault(): void }) => void) | null = null;

  constructor() {
    FakeWorker.last = this;
  }

  postMessage(message: ToWorker): void {
    this.sent.push(message);
  }

  terminate(): void {
    this.terminated = true;
  }

  say(data: FromWorker): void {
    this.onmessage?.({ data });
  }
}

beforeEach(() => vi.stubGlobal("Worker", FakeWorker));
afterEach(() => vi.unstubAllGlobals());

const history = create(HistorySchema, { operations: [{ id: 7n, worker: 2 }], nowMicros: 9n });

test("the judge is given the history and gives its verdict, and its worker goes", async () => {
  const trial = judge(history);
  const worker = FakeWorker.last;
  await vi.waitFor(() => expect(worker.sent.map((m) => m.kind)).toEqual(["start"]));
  worker.say({ kind: "ready" });
  const given = worker.sent[1];
  if (given?.kind !== "judge") throw new Error("no history was given");
  expect(fromBinary(HistorySchema, given.bytes)).toEqual(history);
  const verdict = create(VerdictSchema, { kind: VerdictKind.VIOLATED, message: "why" });
  worker.say({ kind: "verdict", bytes: toBinary(VerdictSchema, verdict) });
  expect(await trial.verdict).toEqual(verdict);
  expect(worker.terminated).toBe(true);
});

test("a judge that is ended says nothing more", async () => {
  const trial = judge(history);
  FakeWorker.last.say({ kind: "ready" });
  trial.end();
  expect(await trial.verdict).toBeNull();
  expect(FakeWorker.last.terminated).toBe(true);
  trial.end();
});

test("a judge that dies says why", async () => {
  const trial = judge(history);
  FakeWorker.last.say({ kind: "died", reason: "out of memory" });
  await expect(trial.verdict).rejects.toThrow("The history could not be judged: out of memory.");
  expect(FakeWorker.last.terminated).toBe(true);
});
