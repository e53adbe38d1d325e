import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { HelloSchema, RecordingSchema } from "../pb/sessionpb/v1/session_pb";
import { Held } from "./playback/held";
import { Story } from "./playback/testing";
import { pack, RecordingError, unpack } from "./recording";

const hello = create(HelloSchema, { protocolVersion: 1 });

async function gzip(bytes: Uint8Array): Promise<Blob> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Blob([await new Response(stream).arrayBuffer()]);
}

describe("a recording", () => {
  it("holds what was held: states, events and gaps", async () => {
    const story = new Story();
    const held = new Held();
    held.keyframe(story.keyframe(), null);
    held.events([story.sent(1n, 1, 2, 1000), story.delivered(1n, 2, 1400), story.sent(2n, 1, 3, 1500)]);
    held.keyframe(story.keyframe(9000, { applied: 5n }), { $typeName: "sessionpb.v1.Gap", events: 40n, why: "too much" });
    held.events([story.elected(1, 9500)]);

    const file = await pack({ version: "0.1.0", hello, wallMicros: 5n, stretches: held.stretches() });
    const recording = await unpack(file);
    expect(recording.stretches.map((s) => [s.events.length, s.gap?.events])).toEqual([
      [3, undefined],
      [1, 40n],
    ]);

    const again = new Held();
    again.open(recording.stretches);
    expect(again.lastSeq).toBe(held.lastSeq);
    expect(again.between(0, again.lastSeq).map((e) => e.body.case)).toEqual(held.between(0, held.lastSeq).map((e) => e.body.case));
    expect(again.clusterAt(again.lastSeq).stores).toEqual(held.clusterAt(held.lastSeq).stores);
    expect(again.clusterAt(1).messages[0].dueMicros).toBe(1400);
  });

  it("is refused with one sentence when it is none", async () => {
    const cases: [Blob, RegExp][] = [
      [new Blob(["garbage"]), /not a recording, or it is damaged/],
      [new Blob([]), /not a recording, or it is damaged/],
      [await gzip(new TextEncoder().encode("{}garbage")), /not a recording, or it is damaged/],
      [await gzip(toBinary(RecordingSchema, create(RecordingSchema, {}))), /empty/],
      [await pack({ hello: { protocolVersion: 99 }, version: "9.0", stretches: [{ keyframe: {} }] }), /newer raftplay \(9.0\)/],
      [await pack({ hello, stretches: [{ events: [{ seq: 1n }] }] }), /part 1 of it is not whole/],
      [await pack({ hello, stretches: [{ keyframe: { seq: 4n }, events: [{ seq: 6n }] }] }), /part 1 of it is not whole/],
    ];
    for (const [file, words] of cases) {
      const error = await unpack(file).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(RecordingError);
      expect((error as Error).message).toMatch(words);
    }
  });

  it("is refused when its end is missing", async () => {
    const story = new Story();
    const file = await pack({ hello, stretches: [{ keyframe: story.keyframe(), events: [story.ticked(1, 1000)] }] });
    await expect(unpack(file.slice(0, file.size - 12))).rejects.toBeInstanceOf(RecordingError);
  });
});
