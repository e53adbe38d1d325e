/** A share link: #run= and the run (seed, configuration, actions), deflated, in base64url. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { RunSchema, type Run } from "../pb/sessionpb/v1/run_pb";

const prefix = "#run=";
/** Far above any run made by hand; keeps a hostile link from filling the memory. */
const runBytesMax = 4 << 20;

export class LinkError extends Error {}

export async function linkHash(run: Run): Promise<string> {
  const bytes = toBinary(RunSchema, run);
  const packed = await drained(new Blob([bytes as BlobPart]).stream().pipeThrough(new CompressionStream("deflate-raw")));
  return prefix + base64url(packed);
}

/** null when the hash holds no run; throws LinkError with a sentence when it holds a broken one. */
export async function runOfHash(hash: string): Promise<Run | null> {
  if (!hash.startsWith(prefix)) return null;
  let run: Run;
  try {
    const packed = fromBase64url(hash.slice(prefix.length));
    const bytes = await drained(
      new Blob([packed as BlobPart]).stream().pipeThrough(new DecompressionStream("deflate-raw")),
    );
    run = fromBinary(RunSchema, bytes);
  } catch {
    throw new LinkError("The link's run is incomplete or garbled, so the page starts the default run; ask for the whole link.");
  }
  if (!run.config || run.config.stores === 0) {
    throw new LinkError("The link holds no run, so the page starts the default run; ask for the whole link.");
  }
  return create(RunSchema, run);
}

async function drained(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > runBytesMax) {
      await reader.cancel();
      throw new Error("too large");
    }
    chunks.push(value);
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

function base64url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function fromBase64url(text: string): Uint8Array {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) throw new Error("not base64url");
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
}
