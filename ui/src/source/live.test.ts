import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LossReason, MessageSchema } from "../pb/sessionpb/v1/event_pb";
import { MessageType } from "../pb/sessionpb/v1/fault_pb";
import { HelloSchema } from "../pb/sessionpb/v1/session_pb";
import { Live } from "./live";
import { Story } from "./playback/testing";
import { unpack } from "./recording";
import { FakeSocket } from "./testing";
import type { InterestInit } from "./websocket";

beforeEach(() => {
  FakeSocket.all = [];
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("requestAnimationFrame", () => 1);
  vi.stubGlobal("cancelAnimationFrame", () => {});
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const calm: InterestInit = { withoutTypes: [MessageType.HEARTBEAT] };

function live(interest?: InterestInit) {
  const nothing = () => {};
  const viewer = { frame: nothing, condition: nothing, replayed: nothing };
  const source = new Live("ws://here/api/live", "", viewer, { link: nothing, stands: nothing, leapt: nothing, metrics: nothing, resumed: nothing }, interest);
  source.start();
  FakeSocket.all[0].onopen?.();
  return { source, story: new Story() };
}

const wire = () => FakeSocket.all[FakeSocket.all.length - 1];
const greet = (story: Story) => wire().tell({ hello: create(HelloSchema, { protocolVersion: 1 }), keyframe: story.keyframe() });
const asked = () => wire().requests.flatMap((r) => r.commands).filter((c) => c.command.case === "setInterest");

const flying = (id: bigint, type: MessageType) => create(MessageSchema, { id, regionId: 1n, fromStore: 1n, toStore: 3n, type, sentMicros: 1900n });

function comeBack(): void {
  wire().end(1006);
  vi.advanceTimersByTime(1000);
  wire().onopen?.();
}

describe("a recording of a live cluster", () => {
  it("may begin at a moment that was asked for", async () => {
    const { source, story } = live();
    greet(story);
    wire().tell({ events: [story.ticked(1, 1000)], metrics: [{ timeMicros: 1000n }] });
    const marked = source.mark();
    wire().tell({});
    const [ask] = wire().requests.flatMap((r) => r.commands);
    expect(ask.command.case).toBe("getKeyframe");
    wire().tell({ keyframe: story.keyframe(1500), replies: [{ commandId: ask.id }], events: [story.ticked(2, 2000)], metrics: [{ timeMicros: 2000n }] });
    const moment = await marked;
    expect(moment?.seq).toBe(1);
    wire().tell({ events: [story.ticked(3, 2500)], metrics: [{ timeMicros: 3000n }] });
    vi.useRealTimers();
    const recording = await unpack(await source.record(moment));
    expect(recording.stretches.map((s) => [s.keyframe?.seq, s.events.length])).toEqual([[1n, 2]]);
    expect(recording.metrics.map((p) => p.timeMicros)).toEqual([3000n]);
    expect((await unpack(await source.record())).stretches.length).toBe(2);
  });

  it("has no such moment without a connection", async () => {
    const { source } = live();
    expect(await source.mark()).toBeNull();
  });
});

describe("what of a live cluster is told", () => {
  it("is changed by a command, and the whole state that comes with the answer replaces what is held", async () => {
    const { source, story } = live();
    const { held } = source.playback;
    greet(story);
    wire().tell({ events: [story.sent(1n, 1, 2, 1000, MessageType.HEARTBEAT)] });
    const refusal = source.narrow(calm);
    wire().tell({});
    expect(asked().map((c) => c.command.value)).toMatchObject([calm]);
    // Told all of the old interest up to the whole state; the heartbeat that flies is not in it.
    wire().tell({ events: [story.sent(2n, 1, 3, 1500)] });
    const whole = { ...story.keyframe(2000, { applied: 9n }), messages: [flying(2n, MessageType.APPEND)] };
    wire().tell({ keyframe: whole, replies: [{ commandId: asked()[0].id }], events: [story.delivered(2n, 3, 2100)] });
    expect(await refusal).toBe("");
    const told = held.between(2, held.lastSeq).map((e) => e.body);
    expect(told.map((b) => b.case)).toEqual(["messageDelivered", "storeShown", "storeShown", "storeShown", "messageDelivered"]);
    expect(told[0].value).toMatchObject({ id: 1n });
    expect(told[1].value).toMatchObject({ eventsLeftOut: 0n, why: "other events are told from here on" });
    const end = held.clusterAt(held.lastSeq);
    expect(end.messages).toEqual([]);
    expect(end.stores[0].peers[0].applied).toBe(9);
  });

  it("takes in what flies when more is told than before", async () => {
    const { source, story } = live(calm);
    const { held } = source.playback;
    greet(story);
    wire().tell({ events: [story.ticked(1, 1000)] });
    const refusal = source.narrow({});
    wire().tell({});
    wire().tell({ keyframe: { ...story.keyframe(2000), messages: [flying(5n, MessageType.HEARTBEAT)] }, replies: [{ commandId: asked()[0].id }] });
    expect(await refusal).toBe("");
    expect(held.clusterAt(held.lastSeq).messages.map((m) => m.type)).toEqual([MessageType.HEARTBEAT]);
    wire().tell({ events: [story.lost(5n, 3, 2200, LossReason.CUT)] });
    expect(held.clusterAt(held.lastSeq).messages).toEqual([]);
  });

  it("is recorded as a stretch of its own", async () => {
    const { source, story } = live();
    greet(story);
    wire().tell({ events: [story.ticked(1, 1000)] });
    void source.narrow(calm);
    wire().tell({});
    wire().tell({ keyframe: story.keyframe(2000), replies: [{ commandId: asked()[0].id }], events: [story.ticked(2, 2100)] });
    expect(source.playback.held.stretches().map((s) => [s.events.length, s.gap?.events, s.gap?.why])).toEqual([
      [1, undefined, undefined],
      [1, 0n, "other events are told from here on"],
    ]);
  });

  it("holds after a connection that broke", async () => {
    const { source, story } = live();
    greet(story);
    void source.narrow(calm);
    comeBack();
    expect(wire().requests[0].attach?.interest).toMatchObject(calm);
    greet(new Story());
    wire().tell({});
    expect(asked()).toEqual([]);
  });

  it("stays as it was when the server refuses, now and on the next connection", async () => {
    const { source, story } = live(calm);
    greet(story);
    const refusal = source.narrow({ storeIds: [9n] });
    wire().tell({});
    wire().tell({ replies: [{ commandId: asked()[0].id, failure: "an interest names at most 0 of a kind, not 1" }] });
    expect(await refusal).toBe("an interest names at most 0 of a kind, not 1");
    comeBack();
    expect(wire().requests[0].attach?.interest).toMatchObject({ ...calm, storeIds: [] });
  });

  it("is asked for anew when it was chosen while the server had not yet answered", async () => {
    const { source, story } = live();
    expect(await source.narrow(calm)).toBe("");
    greet(story);
    wire().tell({});
    expect(asked().map((c) => c.command.value)).toMatchObject([calm]);
  });
});
