/** A recording: what was seen of a cluster, as a file; and such a file as a source, with no server at all. */
import { create, fromBinary, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  Capability,
  HelloSchema,
  RecordingSchema,
  ReplySchema,
  SourceKind,
  type Recording,
  type Reply,
} from "../pb/sessionpb/v1/session_pb";
import { Held } from "./playback/held";
import { Playback, type Listener } from "./playback/playback";
import type { CommandInit, Source, Viewer } from "./source";
import { protocolVersion } from "./websocket";

/** Unpacked; a file is far smaller. */
export const recordingBytesMax = 128 << 20;
const fileBytesMax = 64 << 20;
/** A file is held whole, up to its own bound. */
const heldEventsMax = 1_000_000;

export class RecordingError extends Error {}

/** Gzipped. */
export async function pack(recording: MessageInitShape<typeof RecordingSchema>): Promise<Blob> {
  const bytes = toBinary(RecordingSchema, create(RecordingSchema, recording));
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Blob([await new Response(stream).arrayBuffer()], { type: "application/gzip" });
}

/** Throws RecordingError with a sentence for what is no recording. */
export async function unpack(file: Blob): Promise<Recording> {
  if (file.size > fileBytesMax) {
    throw new RecordingError(`The file is larger than the ${fileBytesMax >> 20} MiB that a recording may have.`);
  }
  let recording: Recording;
  try {
    const stream = file.stream().pipeThrough(new DecompressionStream("gzip"));
    recording = fromBinary(RecordingSchema, await bounded(stream));
  } catch (error) {
    if (error instanceof RecordingError) throw error;
    throw new RecordingError("This is not a recording, or it is damaged: a recording is a file that “Save recording” made.");
  }
  check(recording);
  return recording;
}

async function bounded(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > recordingBytesMax) {
      await reader.cancel();
      throw new RecordingError(`The recording has more than ${recordingBytesMax >> 20} MiB unpacked, which is more than this page opens.`);
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

function check(recording: Recording): void {
  const { hello, stretches, version } = recording;
  if (!hello || stretches.length === 0) throw new RecordingError("The recording is empty: it holds no moment of a cluster.");
  if (hello.protocolVersion > protocolVersion) {
    throw new RecordingError(`The recording is of a newer raftplay (${version}), which this page cannot read.`);
  }
  stretches.forEach((stretch, at) => {
    let seq = stretch.keyframe?.seq;
    const whole = seq !== undefined && stretch.events.every((event) => event.seq === ++seq!);
    if (!whole) throw new RecordingError(`The recording is damaged: part ${at + 1} of it is not whole.`);
  });
}

const ownCapabilities = [Capability.PLAY, Capability.STEP, Capability.GO_BACK];

export class RecordingSource implements Source {
  readonly #viewer: Viewer;
  readonly #recording: Recording;
  readonly playback: Playback;
  readonly knownRun = null;

  constructor(recording: Recording, viewer: Viewer, listener: Listener) {
    this.#viewer = viewer;
    this.#recording = recording;
    const held = new Held(heldEventsMax);
    held.open(recording.stretches);
    this.playback = new Playback(viewer, listener, false, held);
  }

  start(): void {
    this.playback.hello(
      create(HelloSchema, { ...this.#recording.hello!, sourceKind: SourceKind.RECORDING, capabilities: ownCapabilities }),
    );
    this.#viewer.condition({ kind: "running" });
    this.playback.open();
  }

  restart(): void {
    this.start();
  }

  stop(): void {
    this.playback.stop();
  }

  send(command: CommandInit): Promise<Reply | null> {
    const failure = "A recording can be looked at, and nothing can be done to it.";
    return Promise.resolve(this.playback.answer(command) ?? create(ReplySchema, { failure }));
  }
}
