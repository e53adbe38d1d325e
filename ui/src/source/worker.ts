/** The other end of simulation.ts and judge.ts: runs the Go core and hands bytes through, nothing else. */
import "../../build/wasm_exec.js";
import type { FromWorker, ToWorker } from "./boundary";

/** What Go's wasm_exec.js and wasm/main_js.go put into the global scope. */
declare const globalThis: {
  Go: new () => { importObject: WebAssembly.Imports; run(instance: WebAssembly.Instance): Promise<void> };
  raftplayHandle?: (request: Uint8Array) => Uint8Array;
  raftplayJudge?: (history: Uint8Array) => Uint8Array;
};

const scope = self as unknown as {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  onmessage: (event: MessageEvent<ToWorker>) => void;
};

function die(error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  scope.postMessage({ kind: "died", reason });
}

async function start(module: WebAssembly.Module): Promise<void> {
  const go = new globalThis.Go();
  const instance = await WebAssembly.instantiate(module, go.importObject);
  // Runs until Go's main blocks; the promise settles when the runtime ends.
  go.run(instance).then(() => die("the Go runtime ended"), die);
  if (!globalThis.raftplayHandle) throw new Error("the core did not start");
  scope.postMessage({ kind: "ready" });
}

scope.onmessage = ({ data }) => {
  if (data.kind === "start") {
    start(data.module).catch(die);
    return;
  }
  try {
    const judge = data.kind === "judge";
    const bytes = judge ? globalThis.raftplayJudge!(data.bytes) : globalThis.raftplayHandle!(data.bytes);
    scope.postMessage({ kind: judge ? "verdict" : "frame", bytes }, [bytes.buffer]);
  } catch (error) {
    die(error);
  }
};
