/**
 * Plays what is held at the eye's pace, as a source of frames: play, pause, step and seek are answered here, from what a
 * live cluster or a file told. Of a live cluster it plays a moment behind, so that it knows when a message arrives while
 * it flies, and leaps to the present when it falls too far behind.
 */
import { create } from "@bufbuild/protobuf";
import type { Event } from "../../pb/sessionpb/v1/event_pb";
import {
  FrameSchema,
  Pace,
  ReplySchema,
  StatusSchema,
  type Frame,
  type Hello,
  type Live,
  type Play,
  type Reply,
  type Step,
  type Work,
} from "../../pb/sessionpb/v1/session_pb";
import type { CommandInit, Viewer } from "../source";
import { Held } from "./held";
import { shareOf, storyRate, type Flight, type Rate } from "./pace";
import { untilStep } from "./step";

/** Wall time, and a call before the next picture. */
export interface Clock {
  millis(): number;
  schedule(call: () => void): number;
  cancel(id: number): void;
}

export const pageClock: Clock = {
  millis: () => performance.now(),
  schedule: (call) => requestAnimationFrame(call),
  cancel: (id) => cancelAnimationFrame(id),
};

/** So far behind the cluster it plays: events of other stores, and arrivals, come that late. */
export const delayMicros = 300_000;
/** Further behind than this it leaps to the present. */
export const lagMicrosMax = 3_000_000;
/** A tab that slept must not leap. */
const elapsedMillisMax = 100;
const flightMicrosDefault = 300_000;
const eventsPerPictureMax = 400;

/** Where the picture stands against the cluster. */
export interface Standing {
  readonly behindMicros: number;
  readonly paused: boolean;
  /** It stays behind on purpose: somebody went back, or paused. */
  readonly byHand: boolean;
}

export interface Listener {
  stands(standing: Standing): void;
  /** It went on to the present without showing so many events one by one. */
  leapt(events: number): void;
}

export class Playback {
  readonly held: Held;
  readonly #viewer: Viewer;
  readonly #listener: Listener;
  readonly #clock: Clock;
  /** null: there is no cluster that goes on, as in a file. */
  readonly #live: boolean;
  #scheduled = 0;
  #lastMillis = 0;
  /** What was given out. */
  #seq = 0;
  #nowMicros = 0;
  #begun = false;
  #playing = true;
  #byHand = false;
  #pace: { story: boolean; flightMicros: number; rate: number } = { story: true, flightMicros: flightMicrosDefault, rate: 1 };
  #shown: Rate = { rate: 1, quick: false };
  #flights = new Map<bigint, Flight>();
  /** The source's clock when it last told something, and the wall's. */
  #toldMicros = 0;
  #toldMillis = 0;
  #connected = false;
  #status: Live | undefined;
  #work: Work | undefined;

  constructor(viewer: Viewer, listener: Listener, live: boolean, held = new Held(), clock: Clock = pageClock) {
    this.#viewer = viewer;
    this.#listener = listener;
    this.#live = live;
    this.held = held;
    this.#clock = clock;
  }

  get playing(): boolean {
    return this.#playing;
  }

  get seq(): number {
    return this.#seq;
  }

  get nowMicros(): number {
    return this.#nowMicros;
  }

  /** The cluster's own time now, as far as it is known. */
  get liveMicros(): number {
    if (!this.#live) return this.held.lastMicros;
    const since = this.#connected ? Math.max(0, this.#clock.millis() - this.#toldMillis) * 1000 : 0;
    return Math.max(this.held.lastMicros, this.#toldMicros + Math.min(since, 1_000_000));
  }

  get behindMicros(): number {
    return Math.max(0, this.liveMicros - this.#nowMicros);
  }

  /** What the connection told. */
  take(frame: Frame): void {
    const fresh = this.held.empty;
    if (frame.keyframe) this.held.keyframe(frame.keyframe, frame.gap ?? null);
    this.held.events(frame.events);
    if (frame.status) {
      this.#status = frame.status.live;
      this.#work = frame.status.work;
      this.#toldMicros = this.held.micros(frame.status.nowMicros);
      this.#toldMillis = this.#clock.millis();
      this.#connected = true;
    }
    if (fresh && !this.held.empty) this.#begin();
    else this.#schedule();
  }

  /** The connection is gone: the cluster's time is not known any more. */
  lost(): void {
    this.#connected = false;
    this.held.begin();
  }

  /** Begins to show a file. */
  open(): void {
    this.#begin();
  }

  hello(hello: Hello): void {
    this.#show([], { hello });
  }

  stop(): void {
    this.#clock.cancel(this.#scheduled);
    this.#scheduled = 0;
    this.#playing = false;
  }

  /** Answers what needs no cluster; null for what does. */
  answer(command: CommandInit): Reply | null {
    switch (command.case) {
      case "play":
        this.#play(command.value as Play);
        return reply();
      case "pause":
        this.#playing = false;
        this.#byHand = true;
        this.#show([]);
        return reply();
      case "seek":
        this.#seek(Number(command.value.seq ?? 0n));
        return reply();
      case "step":
        return this.#step(command.value as Step);
      default:
        return null;
    }
  }

  /** Back to where the cluster is now, and on with it. */
  toPresent(): void {
    this.#byHand = false;
    if (!this.#playing) this.#lastMillis = this.#clock.millis();
    this.#playing = true;
    this.#leap();
    this.#schedule();
  }

  // Time.

  #begin(): void {
    this.#begun = true;
    this.#seq = this.held.firstSeq - 1;
    const at = this.held.clusterAt(this.#seq);
    this.#nowMicros = at.timeMicros;
    this.#lastMillis = this.#clock.millis();
    this.#show([], {}, at, true);
    this.#schedule();
  }

  #play(play: Play): void {
    const story = play.pace !== Pace.FIXED;
    const flightMicros = Number(play.flightMicros ?? 0n) || flightMicrosDefault;
    this.#pace = { story, flightMicros, rate: Number(play.speedPpm ?? 1_000_000n) / 1e6 };
    if (!this.#live && this.#seq >= this.held.lastSeq && !this.held.empty) this.#seek(this.held.firstSeq);
    if (!this.#playing) this.#lastMillis = this.#clock.millis();
    this.#playing = true;
    this.#byHand = this.#live && this.behindMicros > lagMicrosMax / 2;
    this.#show([]);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled !== 0 || !this.#begun || !(this.#playing || this.#live)) return;
    this.#scheduled = this.#clock.schedule(() => {
      this.#scheduled = 0;
      this.#tick();
      if (this.#playing) this.#schedule();
    });
  }

  #tick(): void {
    const millis = this.#clock.millis();
    const elapsed = Math.min(millis - this.#lastMillis, elapsedMillisMax) * 1000;
    this.#lastMillis = millis;
    if (!this.#playing) {
      this.#show([]);
      return;
    }
    this.#catchUp();
    if (this.#live && !this.#byHand && this.behindMicros - delayMicros > lagMicrosMax) {
      this.#leap();
      return;
    }
    const events = this.#pass(elapsed);
    if (this.#byHand && this.behindMicros < 2 * delayMicros) this.#byHand = false;
    if (!this.#live && this.#seq >= this.held.lastSeq) this.#playing = false;
    this.#show(events);
  }

  /** So far one may be: a moment behind a cluster, at the end of a file. */
  get #edgeMicros(): number {
    return this.#live ? this.liveMicros - delayMicros : this.held.lastMicros;
  }

  /** What happens while so much of the eye's time passes. */
  #pass(wallMicros: number): Event[] {
    const events: Event[] = [];
    const edge = this.#edgeMicros;
    for (let left = wallMicros; left > 0 && events.length < eventsPerPictureMax; ) {
      this.#shown = this.#rate(edge);
      const next = this.held.at(this.#seq + 1);
      const nextMicros = next ? Number(next.timeMicros) : Infinity;
      const reach = Math.max(this.#nowMicros, Math.min(this.#nowMicros + left * this.#shown.rate, edge));
      if (!next || nextMicros > reach) {
        this.#nowMicros = reach;
        break;
      }
      left -= Math.max(0, nextMicros - this.#nowMicros) / this.#shown.rate;
      this.#nowMicros = Math.max(this.#nowMicros, nextMicros);
      this.#note(next);
      events.push(next);
    }
    return events;
  }

  #rate(edge: number): Rate {
    if (!this.#pace.story) return { rate: this.#pace.rate, quick: false };
    const known = [...this.#flights.values()].filter((f) => f.dueMicros > this.#nowMicros);
    return storyRate({
      flights: known,
      flightMicros: this.#pace.flightMicros,
      lagMicros: this.#live && !this.#byHand ? edge - this.#nowMicros : null,
      untilNext: known.length > 0 ? 0 : this.#untilNext(),
    });
  }

  #untilNext(): number {
    for (let seq = this.#seq + 1; seq <= Math.min(this.held.lastSeq, this.#seq + 64); seq++) {
      const event = this.held.at(seq)!;
      if (event.body.case !== "ticked") return Number(event.timeMicros) - this.#nowMicros;
    }
    return 1_000_000;
  }

  /** An event is given out. */
  #note(event: Event): void {
    this.#seq = Number(event.seq);
    const body = event.body;
    if (body.case === "messageSent" && body.value.message) {
      const { id, sentMicros, dueMicros } = body.value.message;
      // One that nobody has seen arrive holds nothing up.
      if (dueMicros - sentMicros < 1_000_000n) {
        const share = shareOf(body.value.message);
        this.#flights.set(id, { sentMicros: Number(sentMicros), dueMicros: Number(dueMicros), share });
      }
    } else if (body.case === "messageDelivered" || body.case === "messageLost") {
      this.#flights.delete(body.value.id);
    }
  }

  /** What is not held any more cannot be played. */
  #catchUp(): void {
    if (this.#seq < this.held.firstSeq - 1) this.#jump(this.held.clusterAt(this.held.firstSeq - 1));
  }

  #leap(): void {
    this.#catchUp();
    const edge = this.#edgeMicros;
    const from = this.#seq;
    const events: Event[] = [];
    for (let next = this.held.at(from + 1); next && Number(next.timeMicros) <= edge; next = this.held.at(this.#seq + 1)) {
      this.#note(next);
      events.push(next);
    }
    this.#nowMicros = Math.max(this.#nowMicros, edge);
    this.#show(events);
    if (events.length > 0) this.#listener.leapt(events.length);
  }

  #seek(seq: number): void {
    if (seq === 0) {
      this.#playing = false;
      this.#byHand = true;
      this.#catchUp();
      const rest = this.held.between(this.#seq, this.held.lastSeq);
      for (const event of rest) this.#note(event);
      this.#nowMicros = Math.max(this.held.lastMicros, this.#live ? this.#edgeMicros : 0);
      this.#show(rest);
      return;
    }
    this.#byHand = true;
    this.#jump(this.held.clusterAt(Math.max(seq, this.held.firstSeq - 1)));
  }

  #jump(at: ReturnType<Held["clusterAt"]>): void {
    this.#seq = at.seq;
    this.#nowMicros = at.timeMicros;
    this.#flights.clear();
    for (const message of at.messages) {
      if (message.dueMicros - message.sentMicros < 1_000_000) this.#flights.set(BigInt(message.id), { ...message, share: 1 });
    }
    this.#show([], {}, at);
  }

  #step(step: Step): Reply {
    this.#playing = false;
    this.#byHand = true;
    this.#catchUp();
    const through = untilStep(this.held, this.#seq, step);
    if (through === 0) {
      const why = this.#live ? "Nothing of the kind has come from the cluster yet" : "The recording holds nothing more of the kind";
      return reply(why);
    }
    const events = this.held.between(this.#seq, through);
    for (const event of events) this.#note(event);
    this.#nowMicros = Math.max(this.#nowMicros, Number(events.at(-1)!.timeMicros));
    this.#show(events);
    return reply();
  }

  // What is shown.

  #show(events: Event[], more: { hello?: Hello } = {}, at?: ReturnType<Held["clusterAt"]>, reset = false): void {
    const status = create(StatusSchema, {
      nowMicros: BigInt(Math.round(this.#nowMicros)),
      seq: BigInt(this.#seq),
      headSeq: BigInt(this.held.lastSeq),
      steps: BigInt(this.#seq),
      playing: this.#playing,
      quick: this.#playing && this.#shown.quick,
      speedPpm: BigInt(Math.round(this.#shown.rate * 1e6)),
      messagesInFlight: this.#flights.size,
      live: this.#status,
      // What is held is shown meanwhile.
      work: this.held.empty ? this.#work : undefined,
    });
    this.#viewer.frame(create(FrameSchema, { ...more, events, status }), reset, at);
    this.#listener.stands({ behindMicros: this.behindMicros, paused: !this.#playing, byHand: this.#byHand });
  }
}

function reply(failure = ""): Reply {
  return create(ReplySchema, { failure });
}
