import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EventSchema, LossReason } from "../../pb/sessionpb/v1/event_pb";
import { LinkSchema } from "../../pb/sessionpb/v1/fault_pb";
import { GapSchema } from "../../pb/sessionpb/v1/session_pb";
import { Held, unseenMicros } from "./held";
import { Story } from "./testing";

function held(max?: number): { held: Held; story: Story } {
  const story = new Story();
  const held = new Held(max);
  held.keyframe(story.keyframe(), null);
  return { held, story };
}

describe("what is held of a live cluster", () => {
  it("knows when a message arrives as soon as its arrival was told", () => {
    const { held: h, story } = held();
    h.events([story.sent(1n, 1, 2, 1000)]);
    expect(h.clusterAt(h.lastSeq).messages[0].dueMicros).toBe(1000 + unseenMicros);
    const other = new Held();
    const again = new Story();
    other.keyframe(again.keyframe(), null);
    other.events([again.sent(1n, 1, 2, 1000), again.delivered(1n, 2, 1400)]);
    expect(other.clusterAt(1).messages[0]).toMatchObject({ sentMicros: 1000, dueMicros: 1400, doomed: false });
  });

  it("knows that a message will be lost, and gives each flight a length", () => {
    const { held: h, story } = held();
    h.events([story.sent(1n, 1, 2, 1000), story.lost(1n, 2, 1900, LossReason.CUT), story.sent(2n, 1, 3, 2000), story.delivered(2n, 3, 2000)]);
    expect(h.clusterAt(1).messages[0]).toMatchObject({ dueMicros: 1900, doomed: true });
    const second = h.clusterAt(3).messages[0];
    expect(second.dueMicros).toBeGreaterThan(second.sentMicros);
    expect(h.clusterAt(4).messages).toEqual([]);
  });

  it("never lets time go back", () => {
    const { held: h, story } = held();
    h.events([story.ticked(1, 5000), story.ticked(2, 4000), story.ticked(3, 6000)]);
    expect(h.between(0, 3).map((e) => Number(e.timeMicros))).toEqual([5000, 5000, 6000]);
  });

  it("turns a whole state in the middle into stores shown, once with the number of events between", () => {
    const { held: h, story } = held();
    h.events([story.ticked(1, 1000), story.sent(1n, 1, 2, 1100)]);
    const gap = create(GapSchema, { events: 1234n, why: "more than 2000 events a second" });
    h.keyframe(story.keyframe(9000, { applied: 7n }), gap);
    const told = h.between(2, h.lastSeq);
    expect(told.map((e) => e.body.case)).toEqual(["messageDelivered", "storeShown", "storeShown", "storeShown"]);
    const left = told.map((e) => (e.body.case === "storeShown" ? e.body.value.eventsLeftOut : 0n));
    expect(left).toEqual([0n, 1234n, 0n, 0n]);
    expect(h.clusterAt(h.lastSeq).stores.map((s) => s.peers[0].applied)).toEqual([7, 7, 7]);
    h.events([story.ticked(1, 9500)]);
    expect(h.lastSeq).toBe(7);
  });

  it("tells of settings in a whole state when they are others than before", () => {
    const { held: h, story } = held();
    const whole = story.keyframe(9000);
    whole.config!.links = [create(LinkSchema, { fromStore: 1n, toStore: 2n, cut: true })];
    const gap = create(GapSchema, { events: 1n });
    h.keyframe(whole, gap);
    h.keyframe(whole, gap);
    const told = h.between(0, h.lastSeq).map((e) => e.body.case);
    expect(told).toEqual(["storeShown", "storeShown", "storeShown", "settingsChanged", "storeShown", "storeShown", "storeShown"]);
    expect(h.clusterAt(h.lastSeq).config?.links.length).toBe(1);
  });

  it("goes on under new numbers when the server began anew", () => {
    const { held: h, story } = held();
    h.events([story.sent(5n, 1, 2, 1000), story.delivered(5n, 2, 1500), story.ticked(1, 90_000)]);
    const other = new Story();
    h.begin();
    h.keyframe(other.keyframe(200), null);
    h.events([other.sent(1n, 1, 2, 1000), other.delivered(1n, 2, 1400)]);
    const [sent] = h.between(h.lastSeq - 2, h.lastSeq);
    expect(Number(sent.timeMicros)).toBeGreaterThan(90_000);
    expect(sent.body.case === "messageSent" && sent.body.value.message?.id).toBe(6n);
    expect(h.clusterAt(h.lastSeq).messages).toEqual([]);
  });

  it("takes a whole state that follows on as no more than a place to begin", () => {
    const { held: h, story } = held();
    h.events([story.ticked(1, 1000), story.ticked(2, 1100)]);
    h.keyframe(story.keyframe(1200), null);
    expect(h.lastSeq).toBe(2);
    expect(h.stretches().map((s) => s.events.length)).toEqual([2, 0]);
  });

  it("gives for a file what came from a whole state on", () => {
    const { held: h, story } = held();
    h.events([story.ticked(1, 1000), story.ticked(2, 1100)]);
    h.keyframe(story.keyframe(1200), null);
    h.keyframe(story.keyframe(1250), null);
    expect(h.markSeq).toBe(2);
    h.events([story.ticked(3, 1300)]);
    expect(h.stretches(h.markSeq).map((s) => [s.keyframe.seq, s.events.length])).toEqual([[2n, 1]]);
    expect(h.stretches().map((s) => s.events.length)).toEqual([2, 0, 1]);
  });

  it("keeps at most so many events, the oldest stretch goes", () => {
    const { held: h, story } = held(50);
    for (let stretch = 0; stretch < 5; stretch++) {
      for (let i = 0; i < 20; i++) h.events([story.ticked(1, 1000 + stretch * 100 + i)]);
      h.keyframe(story.keyframe(1100 + stretch * 100), null);
    }
    expect(h.lastSeq).toBe(100);
    expect(h.firstSeq).toBe(61);
    expect(h.at(60)).toBeUndefined();
    expect(h.clusterAt(1).seq).toBe(60);
    expect(h.stretches()[0].keyframe.seq).toBe(60n);
  });

  it("is bounded without any whole state in the middle, too", () => {
    const { held: h, story } = held(50);
    for (let i = 0; i < 200; i++) h.events([story.ticked(1, 1000 + i)]);
    expect(h.lastSeq - h.firstSeq + 1).toBeLessThanOrEqual(75);
    expect(h.clusterAt(200).seq).toBe(200);
    expect(h.stretches()).toEqual([]);
  });

  it("says nothing of the end of a flight that was never shown", () => {
    const { held: h, story } = held();
    h.events([story.delivered(77n, 2, 1000), story.ticked(1, 1100)]);
    expect(h.between(0, h.lastSeq).map((e) => e.body.case)).toEqual(["ticked"]);
  });

  it("ends the flights to a store of which events were left out", () => {
    const { held: h, story } = held();
    h.events([story.sent(1n, 1, 2, 1000), story.sent(2n, 1, 3, 1000)]);
    const shown = create(EventSchema, {
      storeId: 2n,
      timeMicros: 2000n,
      body: { case: "storeShown", value: { store: story.keyframe().stores[1], eventsLeftOut: 3n, why: "too much" } },
    });
    h.events([story.next(shown)]);
    expect(h.clusterAt(h.lastSeq).messages.map((m) => m.id)).toEqual([2]);
  });
});
