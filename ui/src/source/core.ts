/** The Go core as it is fetched and compiled, once for all workers. */
import wasmUrl from "../../build/raftplay.wasm?url";

let compiled: Promise<WebAssembly.Module> | null = null;

/** Rejects when the core cannot be loaded; whoever asks again then tries again. */
export function compile(): Promise<WebAssembly.Module> {
  compiled ??= fetchAndCompile().catch((error: unknown) => {
    compiled = null;
    throw error;
  });
  return compiled;
}

async function fetchAndCompile(): Promise<WebAssembly.Module> {
  const response = await fetch(wasmUrl);
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  if (response.headers.get("content-type")?.startsWith("application/wasm")) {
    return WebAssembly.compileStreaming(Promise.resolve(response));
  }
  // A host that does not know the type of .wasm files.
  return WebAssembly.compile(await response.arrayBuffer());
}
