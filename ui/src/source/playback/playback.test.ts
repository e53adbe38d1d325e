import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { follow, noTimeline, type Timeline } from "../../model/timeline";
import { FrameSchema, Pace, StepUnit, type Reply } from "../../pb/sessionpb/v1/session_pb";
import { Held } from "./held";
import { delayMicros, Playback, type Clock, type Standing } from "./playback";
import { Story } from "./testing";
import type { Event } from "../../pb/sessionpb/v1/event_pb";

class HandClock implements Clock {
  now = 0;
  #calls = new Map<number, () => void>();
  #id = 0;

  millis(): number {
    return this.now;
  }

  schedule(call: () => void): number {
    this.#calls.set(++this.#id, call);
    return this.#id;
  }

  cancel(id: number): void {
    this.#calls.delete(id);
  }

  /** Pictures, 16 ms apart. */
  pass(millis: number, before: () => void = () => {}): void {
    for (const end = this.now + millis; this.now < end; ) {
      this.now += 16;
      before();
      const calls = [...this.#calls.values()];
      this.#calls.clear();
      for (const call of calls) call();
    }
  }
}

/** A page that looks at a cluster. */
class Page {
  readonly clock = new HandClock();
  readonly story = new Story();
  readonly playback: Playback;
  timeline: Timeline = noTimeline;
  standing: Standing = { behindMicros: 0, paused: false, byHand: false };
  leapt: number[] = [];

  constructor(live = true, held = new Held()) {
    const viewer = {
      frame: (...[frame, reset, at]: Parameters<ConstructorParameters<typeof Playback>[0]["frame"]>) => {
        this.timeline = follow(this.timeline, frame, reset, at);
      },
      condition: () => {},
      replayed: () => {},
    };
    const listener = { stands: (s: Standing) => (this.standing = s), leapt: (events: number) => this.leapt.push(events) };
    this.playback = new Playback(viewer, listener, live, held, this.clock);
  }

  /** The cluster tells; its clock runs with the wall's. */
  tell(events: Event[], micros = this.clock.now * 1000, keyframe = false): void {
    const status = { nowMicros: BigInt(micros) };
    this.playback.take(create(FrameSchema, { keyframe: keyframe ? this.story.keyframe(0) : undefined, events, status }));
  }

  /** The wall's time goes on with a cluster that ticks. */
  watch(millis: number): void {
    let told = this.clock.now;
    this.clock.pass(millis, () => {
      if (this.clock.now - told < 96) return;
      told = this.clock.now;
      this.tell([this.story.ticked(1, told * 1000)]);
    });
  }

  ask(command: Parameters<Playback["answer"]>[0]): Reply | null {
    return this.playback.answer(command);
  }

  get seq(): number {
    return this.timeline.cluster.seq;
  }
}

function watching(): Page {
  const page = new Page();
  page.tell([], 0, true);
  return page;
}

describe("a live cluster, played", () => {
  it("runs a moment behind the cluster", () => {
    const page = watching();
    page.watch(4000);
    expect(page.standing.behindMicros).toBeGreaterThanOrEqual(delayMicros);
    expect(page.standing.behindMicros).toBeLessThan(delayMicros + 200_000);
    expect(page.leapt).toEqual([]);
  });

  it("gives a flight of half a millisecond a third of a second of the eye's time", () => {
    const page = watching();
    page.watch(2000);
    const sent = page.clock.now * 1000;
    page.tell([page.story.sent(1n, 1, 2, sent), page.story.delivered(1n, 2, sent + 500)]);
    let began = 0;
    let ended = 0;
    const seen = new Set<number>();
    page.clock.pass(1500, () => {
      page.tell([], page.clock.now * 1000);
      const message = page.timeline.cluster.messages[0];
      if (message) {
        began ||= page.clock.now;
        expect(message.dueMicros - message.sentMicros).toBe(500);
        seen.add(Number(page.timeline.status!.nowMicros));
      } else if (began && !ended) ended = page.clock.now;
    });
    expect(ended - began).toBeGreaterThan(200);
    expect(ended - began).toBeLessThan(450);
    // Picture by picture, not in a jump.
    expect(seen.size).toBeGreaterThan(10);
  });

  it("leaps to the present when it is more than three seconds behind, and says over how much", () => {
    const page = watching();
    page.watch(1000);
    const from = page.clock.now * 1000;
    const burst: Event[] = [];
    for (let i = 0; i < 300; i++) {
      const id = BigInt(i + 1);
      burst.push(page.story.sent(id, 1, 2, from + i * 1000), page.story.delivered(id, 2, from + i * 1000 + 400));
    }
    page.tell(burst);
    page.watch(7000);
    expect(page.leapt.length).toBeGreaterThan(0);
    expect(page.leapt[0]).toBeGreaterThan(100);
    expect(page.standing.behindMicros).toBeLessThan(3_500_000);
  });

  it("stands still when paused while the cluster goes on, and comes back to it", () => {
    const page = watching();
    page.watch(1000);
    page.ask({ case: "pause", value: {} });
    const { seq } = page;
    page.watch(5000);
    expect(page.seq).toBe(seq);
    expect(page.standing).toMatchObject({ paused: true, byHand: true });
    expect(page.standing.behindMicros).toBeGreaterThan(4_500_000);
    expect(Number(page.timeline.status!.headSeq)).toBeGreaterThan(seq + 40);
    page.playback.toPresent();
    page.watch(200);
    expect(page.standing).toMatchObject({ paused: false, byHand: false });
    expect(page.standing.behindMicros).toBeLessThan(600_000);
  });

  it("plays on from where it was paused, without a leap", () => {
    const page = watching();
    page.watch(1000);
    page.ask({ case: "pause", value: {} });
    page.watch(6000);
    const { seq } = page;
    page.ask({ case: "play", value: { pace: Pace.FIXED, speedPpm: 1_000_000n } });
    page.watch(500);
    expect(page.leapt).toEqual([]);
    expect(page.seq - seq).toBeGreaterThan(2);
    expect(page.seq - seq).toBeLessThan(12);
  });

  it("steps by events, messages and interesting events, and says so when there is none", () => {
    const page = watching();
    page.ask({ case: "pause", value: {} });
    const { story } = page;
    page.tell([story.ticked(1, 1000), story.sent(1n, 1, 2, 1100), story.delivered(1n, 2, 1400), story.ticked(2, 1500), story.elected(2, 1600)]);
    page.ask({ case: "step", value: { unit: StepUnit.EVENT_BUT_TICK } });
    expect(page.seq).toBe(2);
    page.ask({ case: "step", value: { unit: StepUnit.MESSAGE } });
    expect(page.seq).toBe(3);
    expect(page.timeline.cluster.messages).toEqual([]);
    page.ask({ case: "step", value: { unit: StepUnit.INTERESTING } });
    expect(page.seq).toBe(5);
    expect(page.ask({ case: "step", value: { unit: StepUnit.MESSAGE } })?.failure).not.toBe("");
    expect(page.seq).toBe(5);
  });

  it("seeks back and forth within what is held", () => {
    const page = watching();
    page.tell([page.story.ticked(1, 1000), page.story.sent(1n, 1, 2, 1100), page.story.delivered(1n, 2, 1400)]);
    page.ask({ case: "seek", value: { seq: 0n } });
    expect(page.seq).toBe(3);
    page.ask({ case: "seek", value: { seq: 2n } });
    expect(page.timeline.cluster.messages.map((m) => m.id)).toEqual([1]);
    expect(page.timeline.history.events.length).toBe(3);
    page.ask({ case: "seek", value: { seq: 3n } });
    expect(page.timeline.cluster.messages).toEqual([]);
  });

  it("goes on with what is held when what it showed is not held any more", () => {
    const page = new Page(true, new Held(50));
    page.tell([], 0, true);
    page.watch(500);
    page.ask({ case: "pause", value: {} });
    page.watch(20_000);
    page.ask({ case: "step", value: { unit: StepUnit.EVENT } });
    expect(page.seq).toBeGreaterThanOrEqual(page.playback.held.firstSeq);
  });
});

describe("a recording, played", () => {
  it("passes idle time quickly, ends, and begins again", () => {
    const story = new Story();
    const held = new Held();
    held.keyframe(story.keyframe(), null);
    held.events([story.ticked(1, 100_000), story.elected(1, 5_000_000), story.ticked(1, 5_100_000)]);
    const page = new Page(false, held);
    page.playback.open();
    page.clock.pass(2000);
    expect(page.seq).toBe(3);
    expect(page.playback.playing).toBe(false);
    page.ask({ case: "play", value: { pace: Pace.STORY } });
    expect(page.seq).toBe(1);
    expect(page.playback.playing).toBe(true);
  });
});
