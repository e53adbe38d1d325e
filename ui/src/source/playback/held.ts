/**
 * What a live cluster, or a file, told: whole states and the events after them, under numbers of the page's own that
 * have no gaps. A whole state in the middle becomes events, too: each store as it stands. Bounded: of more events than
 * eventsMax the oldest go.
 */
import { clone } from "@bufbuild/protobuf";
import { fold, fromKeyframe } from "../../model/fold";
import { noCluster, type Cluster } from "../../model/state";
import { KeyframeSchema, LossReason, type Event, type Keyframe, type Message } from "../../pb/sessionpb/v1/event_pb";
import type { Gap, Stretch } from "../../pb/sessionpb/v1/session_pb";
import { bridge } from "./bridge";

export const eventsMax = 60_000;
/** States are kept so far apart: going back folds no more events than this. */
const checkpointEvents = 500;
/** The shortest flight that is told: a real one may last less than the clock resolves. */
export const flightMicrosMin = 60;
/** So long a message is under way when nobody has seen it arrive; after that it counts as lost. */
export const unseenMicros = 3_000_000;
/** Of the messages under way in a whole state, those sent so lately are shown. */
const freshMicros = 300_000;

/** Where a whole state stands among the events: after event seq. */
interface Mark {
  readonly seq: number;
  /** null when it is known only as folded: what follows cannot be recorded. */
  readonly keyframe: Keyframe | null;
  readonly gap: Gap | null;
  /** So many events up to seq stand for the change to this state, and were never told. */
  readonly bridged: number;
}

/** What the numbers of a connection are, in the page's. */
interface Offsets {
  seq: number;
  micros: number;
  message: bigint;
  operation: bigint;
}

export class Held {
  readonly #eventsMax: number;
  #events: Event[] = [];
  #marks: Mark[] = [];
  #checkpoints: { readonly seq: number; readonly cluster: Cluster }[] = [];
  #flying = new Map<bigint, Message>();
  #offsets: Offsets = { seq: 0, micros: 0, message: 0n, operation: 0n };
  /** The next whole state begins a connection: its numbers may begin anew. */
  #fresh = true;
  #lastMicros = 0;
  #messageMax = 0n;
  #operationMax = 0n;

  constructor(max = eventsMax) {
    this.#eventsMax = max;
  }

  /** 0 before anything is held. */
  get firstSeq(): number {
    return this.#marks.length > 0 ? this.#marks[0].seq + 1 : 0;
  }

  get lastSeq(): number {
    return this.#marks.length > 0 ? this.#marks[0].seq + this.#events.length : 0;
  }

  get lastMicros(): number {
    return this.#lastMicros;
  }

  get empty(): boolean {
    return this.#marks.length === 0;
  }

  /** Events since the last whole state. */
  get sinceMark(): number {
    return this.lastSeq - (this.#marks.at(-1)?.seq ?? 0);
  }

  /** The last whole state stands after this event. */
  get markSeq(): number {
    return this.#marks.at(-1)?.seq ?? 0;
  }

  at(seq: number): Event | undefined {
    return this.#events[seq - this.firstSeq];
  }

  between(after: number, through: number): Event[] {
    return this.#events.slice(Math.max(0, after + 1 - this.firstSeq), Math.max(0, through + 1 - this.firstSeq));
  }

  /** The source's clock, on the page's: never before the last event. */
  micros(sourceMicros: bigint): number {
    return Math.max(this.#lastMicros, Number(sourceMicros) + this.#offsets.micros);
  }

  operationId(id: bigint): bigint {
    return id === 0n ? 0n : id + this.#offsets.operation;
  }

  /** A new connection: what it tells begins with a whole state. */
  begin(): void {
    this.#fresh = true;
  }

  keyframe(told: Keyframe, gap: Gap | null): void {
    const first = this.#marks.length === 0;
    const follows = !first && !this.#fresh && !gap && Number(told.seq) + this.#offsets.seq === this.lastSeq;
    if (this.#fresh) this.#renumber(told);
    this.#fresh = false;
    const keyframe = clone(KeyframeSchema, told);
    this.#adopt(keyframe, told);
    if (first) {
      const seq = Number(told.seq);
      this.#marks = [{ seq, keyframe, gap, bridged: 0 }];
      this.#lastMicros = Number(keyframe.timeMicros);
      this.#checkpoints = [{ seq, cluster: fromKeyframe(keyframe) }];
    } else if (follows) {
      this.#marks.push({ seq: this.lastSeq, keyframe, gap: null, bridged: 0 });
    } else {
      const events = bridge(this.clusterAt(this.lastSeq), keyframe, gap);
      for (const event of events) this.#push(event);
      this.#marks.push({ seq: this.lastSeq, keyframe, gap, bridged: events.length });
      this.#offsets.seq = this.lastSeq - Number(told.seq);
      // What flew before the gap has ended in it.
      this.#flying.clear();
    }
    keyframe.seq = BigInt(this.lastSeq);
    for (const message of keyframe.messages) this.#flying.set(message.id, message);
    this.#forget();
  }

  /** Takes events that follow; they belong to Held from now on. */
  events(told: readonly Event[]): void {
    if (this.#marks.length === 0) return;
    for (const event of told) {
      if (this.#translate(event)) this.#push(event);
      // Its number is taken by the next one.
      else this.#offsets.seq--;
    }
    this.#forget();
  }

  /** The state just after an event that is held, or before the first one. */
  clusterAt(seq: number): Cluster {
    if (this.#marks.length === 0) return noCluster;
    const target = Math.min(Math.max(seq, this.firstSeq - 1), this.lastSeq);
    let at = this.#checkpoints.findLastIndex((c) => c.seq <= target);
    let { cluster } = this.#checkpoints[at];
    for (let next = cluster.seq + 1; next <= target; next++) {
      cluster = fold(cluster, this.at(next)!);
      if (next % checkpointEvents !== 0 || this.#checkpoints[at + 1]?.seq === next) continue;
      this.#checkpoints.splice(++at, 0, { seq: next, cluster });
    }
    return cluster;
  }

  /** What is held, for a file: each whole state, from the last one up to event fromSeq on, with what was told after it. */
  stretches(fromSeq = -1): { keyframe: Keyframe; events: Event[]; gap: Gap | undefined }[] {
    const from = Math.max(0, this.#marks.findLastIndex((mark) => mark.seq <= fromSeq));
    return this.#marks.slice(from).flatMap((mark, i) => {
      const next = this.#marks[from + i + 1];
      if (!mark.keyframe) return [];
      const through = next ? next.seq - next.bridged : this.lastSeq;
      return [{ keyframe: mark.keyframe, events: this.between(mark.seq, through), gap: mark.gap ?? undefined }];
    });
  }

  /** Takes what a file holds. */
  open(stretches: readonly Stretch[]): void {
    let last = -1n;
    for (const { keyframe, events, gap } of stretches) {
      if (!keyframe) continue;
      // A state that follows on is only a place to start from.
      if (gap || keyframe.seq !== last) this.begin();
      this.keyframe(keyframe, gap ?? null);
      this.events(events);
      last = events.at(-1)?.seq ?? keyframe.seq;
    }
  }

  // Inside.

  #renumber(told: Keyframe): void {
    const behind = Number(told.timeMicros) + this.#offsets.micros < this.#lastMicros;
    // A source that began anew has a clock of its own, and numbers from 1.
    if (behind) this.#offsets.micros = this.#lastMicros - Number(told.timeMicros);
    this.#offsets.message = this.#messageMax;
    this.#offsets.operation = this.#operationMax;
  }

  #adopt(keyframe: Keyframe, told: Keyframe): void {
    keyframe.timeMicros = BigInt(this.micros(keyframe.timeMicros));
    // What flies longer than any message does has most likely arrived, in what was left out.
    const since = told.timeMicros - BigInt(freshMicros);
    keyframe.messages = keyframe.messages.filter((m) => m.sentMicros >= since);
    for (const message of keyframe.messages) this.#adoptMessage(message, Number(message.sentMicros) + this.#offsets.micros);
    for (const operation of keyframe.operations) {
      operation.id = this.#operation(operation.id);
      operation.startedMicros += BigInt(this.#offsets.micros);
      if (operation.endedMicros > 0n) operation.endedMicros += BigInt(this.#offsets.micros);
    }
  }

  #adoptMessage(message: Message, sentMicros: number): void {
    message.id += this.#offsets.message;
    if (message.id > this.#messageMax) this.#messageMax = message.id;
    message.sentMicros = BigInt(sentMicros);
    // Until somebody sees it arrive.
    message.dueMicros = BigInt(sentMicros + unseenMicros);
  }

  #operation(id: bigint): bigint {
    const own = id + this.#offsets.operation;
    if (own > this.#operationMax) this.#operationMax = own;
    return own;
  }

  /**
   * An event in the page's numbers and on its clock, which never goes back. False for the end of a flight whose beginning
   * was not shown: it says nothing.
   */
  #translate(event: Event): boolean {
    let micros = this.micros(event.timeMicros);
    const body = event.body;
    switch (body.case) {
      case "messageSent":
        if (body.value.message) {
          this.#adoptMessage(body.value.message, micros);
          this.#flying.set(body.value.message.id, body.value.message);
        }
        break;
      case "messageDelivered":
      case "messageLost": {
        body.value.id += this.#offsets.message;
        const message = this.#flying.get(body.value.id);
        this.#flying.delete(body.value.id);
        if (!message) return false;
        micros = Math.max(micros, Number(message.sentMicros) + flightMicrosMin);
        // The page plays a moment behind: the stage knows where a message is to be while it flies.
        message.dueMicros = BigInt(micros);
        message.doomed = body.case === "messageLost" && !atTheDoor(body.value.reason);
        break;
      }
      case "operationStarted":
        if (body.value.operation) {
          body.value.operation.id = this.#operation(body.value.operation.id);
          body.value.operation.startedMicros = BigInt(micros);
        }
        break;
      case "storeShown":
        if (body.value.eventsLeftOut > 0n) this.#landAt(event.storeId);
        break;
      case "operationEnded":
        body.value.id = this.#operation(body.value.id);
        break;
    }
    event.timeMicros = BigInt(micros);
    return true;
  }

  /** The fold ends these flights, too. */
  #landAt(storeId: bigint): void {
    for (const [id, message] of this.#flying) if (message.toStore === storeId) this.#flying.delete(id);
  }

  #push(event: Event): void {
    event.seq = BigInt(this.lastSeq + 1);
    // Each event is a step of its own.
    event.step = event.seq;
    this.#lastMicros = Math.max(this.#lastMicros, Number(event.timeMicros));
    event.timeMicros = BigInt(this.#lastMicros);
    this.#events.push(event);
  }

  #forget(): void {
    while (this.#events.length > this.#eventsMax) {
      const next = this.#marks[1];
      if (next) {
        this.#dropThrough(next.seq, this.#marks.slice(1));
        continue;
      }
      // No whole state stands in the middle: what is kept begins with one that is folded.
      if (this.#events.length <= this.#eventsMax * 1.5) return;
      const seq = this.lastSeq - Math.floor(this.#eventsMax / 2);
      this.#dropThrough(seq, [{ seq, keyframe: null, gap: null, bridged: 0 }]);
    }
  }

  #dropThrough(seq: number, marks: Mark[]): void {
    const cluster = this.clusterAt(seq);
    this.#events = this.#events.slice(seq + 1 - this.firstSeq);
    this.#checkpoints = [{ seq, cluster }, ...this.#checkpoints.filter((c) => c.seq > seq)];
    this.#marks = marks;
  }
}

function atTheDoor(reason: LossReason): boolean {
  return reason === LossReason.STORE_DOWN || reason === LossReason.REFUSED;
}
