/** The whole path in one thread: the core in wasm, judged and recorded, its frames decoded and folded as the page does,
 *  beside the bare loop of RawNodes that `bin/bench.wasm` measures in the same run. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "vite";
import { median } from "./main.mjs";

const rounds = 5;
const roundMillis = 1_000;
const commandsEach = 40;

export async function foldSpeeds() {
  const vite = await createServer({ configFile: "vite.config.ts", server: { middlewareMode: true }, appType: "custom", logLevel: "error" });
  try {
    const load = (path) => vite.ssrLoadModule(path);
    const core = await startCore();
    const page = { ...(await load("/src/model/fold.ts")), ...(await load("/src/model/state.ts")), ...(await load("/src/pb/sessionpb/v1/session_pb.ts")) };
    const bare = [];
    const whole = [];
    const folded = [];
    for (let i = 0; i < rounds; i++) {
      bare.push(bareSpeed());
      const round = wholeSpeed(core, page);
      whole.push(round.messages);
      folded.push(round.folded);
    }
    return { bare: median(bare), whole: median(whole), folded: median(folded) };
  } finally {
    await vite.close();
  }
}

/** Messages a second of the bare loop, as the core's own bench prints it. */
function bareSpeed() {
  const printed = execFileSync("../.ci/exec-wasm", ["../bin/bench.wasm", "-rounds", "1"], { encoding: "utf8" });
  const found = /^bare loop.*?\s(\d+)\s*$/m.exec(printed);
  if (!found) throw new Error(`bench.wasm printed no bare loop:\n${printed}`);
  return Number(found[1]);
}

async function startCore() {
  await import("../build/wasm_exec.js");
  const go = new globalThis.Go();
  const { instance } = await WebAssembly.instantiate(readFileSync("build/raftplay.wasm"), go.importObject);
  void go.run(instance);
  return globalThis.raftplayHandle;
}

/** A client that sends its next put when the last one is answered. */
function wholeSpeed(handle, page) {
  const { RequestSchema, FrameSchema, StepUnit, noCluster, fold } = page;
  let cluster = noCluster;
  let messages = 0;
  let events = 0;
  let foldMillis = 0;
  /** One request's frame, folded; returns how many commands it replied to. */
  const frameOf = (commands) => {
    const bytes = toBinary(RequestSchema, create(RequestSchema, { commands, budgetMicros: 8_000n }));
    const frame = fromBinary(FrameSchema, handle(bytes));
    for (const reply of frame.replies) if (reply.failure) throw new Error(reply.failure);
    const began = performance.now();
    for (const event of frame.events) {
      if (event.body.case === "messageSent") messages++;
      cluster = fold(cluster, event);
    }
    foldMillis += performance.now() - began;
    events += frame.events.length;
    return frame.replies.length;
  };
  /** Commands to their end, in as many requests as it takes. */
  const ask = (commands) => {
    for (let left = commands.length, send = commands; left > 0; send = []) left -= frameOf(send);
  };
  const step = { command: { case: "step", value: { unit: StepUnit.INTERESTING } } };
  const leading = () => cluster.stores.some((s) => s.up && s.peers.some((p) => p.role === 4));
  ask([{ command: { case: "reset", value: { run: { config: quick(handle, page) } } } }]);
  while (!leading()) ask([step]);

  let n = 0;
  const puts = () =>
    Array.from({ length: commandsEach }, () => {
      const text = new TextEncoder();
      const put = { key: text.encode(`key-${n % 1000}`), value: text.encode(`value-${n++}`) };
      const request = { requests: [{ request: { case: "put", value: put } }] };
      const action = { action: { case: "propose", value: { request } } };
      return [{ command: { case: "act", value: { action } } }, step];
    }).flat();
  for (let i = 0; i < 3; i++) ask(puts());
  messages = events = foldMillis = 0;
  const began = performance.now();
  while (performance.now() - began < roundMillis) ask(puts());
  const seconds = (performance.now() - began) / 1000;
  if (cluster.violations.length > 0) throw new Error(cluster.violations[0].message);
  return { messages: messages / seconds, folded: events / (foldMillis / 1000) };
}

/** The default configuration without waits to speak of, as the core's bench has it. */
function quick(handle, { RequestSchema, FrameSchema }) {
  quick.hello ??= fromBinary(FrameSchema, handle(toBinary(RequestSchema, create(RequestSchema, {})))).hello;
  const { configDefault, limits } = quick.hello;
  configDefault.network.latencyMicros = limits.latencyMicrosMin;
  configDefault.network.jitterMicros = 0n;
  configDefault.disk.writeMicros = configDefault.disk.fsyncMicros = 0n;
  return configDefault;
}
