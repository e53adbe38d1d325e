import { create, equals } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { crashStore } from "../model/action";
import { RunSchema } from "../pb/sessionpb/v1/run_pb";
import { linkHash, runOfHash } from "./link";

const run = create(RunSchema, {
  version: "1",
  config: { seed: 2n ** 63n + 5n, stores: 5, network: { latencyMicros: 20_000n } },
  actions: [crashStore(3)],
  steps: 77n,
  nowMicros: 123_456n,
});

test("a run comes back from its link as it was", async () => {
  const hash = await linkHash(run);
  expect(hash).toMatch(/^#run=[A-Za-z0-9_-]+$/);
  expect(equals(RunSchema, (await runOfHash(hash))!, run)).toBe(true);
});

test("a page without a link has no run", async () => {
  expect(await runOfHash("")).toBeNull();
  expect(await runOfHash("#other")).toBeNull();
});

test("a link cut off anywhere is refused with a sentence", async () => {
  const hash = await linkHash(run);
  for (let length = "#run=".length; length < hash.length; length += 7) {
    await expect(runOfHash(hash.slice(0, length))).rejects.toThrow("starts the default run");
  }
});

test("a garbled link is refused with a sentence", async () => {
  const hash = await linkHash(run);
  await expect(runOfHash(hash.replace(/.{4}$/, "!!!!"))).rejects.toThrow("incomplete or garbled");
  await expect(runOfHash(`#run=${"A".repeat(64)}`)).rejects.toThrow("starts the default run");
});
