/** A live cluster as a source: a websocket tells, a playback shows at the eye's pace, and deeds go to the server. */
import { clone, create } from "@bufbuild/protobuf";
import {
  Capability,
  CommandSchema,
  GapSchema,
  HelloSchema,
  ReplySchema,
  type Frame,
  type Hello,
  type MetricsPoint,
  type Reply,
} from "../pb/sessionpb/v1/session_pb";
import { Playback, type Standing } from "./playback/playback";
import { pack } from "./recording";
import type { CommandInit, Source, Viewer } from "./source";
import { Websocket, type InterestInit, type Link } from "./websocket";

export const metricsMax = 900;
/** A whole state is asked for so often: what is held begins with one. */
const keyframeEvents = 10_000;

/** Why a whole state replaces what is held when what is told was changed. */
const interestWords = "other events are told from here on";

/** A moment from which a recording may begin. */
export interface Moment {
  readonly seq: number;
  /** The newest point then. */
  readonly point: MetricsPoint | undefined;
}

export interface LiveListener {
  link(link: Link): void;
  stands(standing: Standing): void;
  leapt(events: number): void;
  metrics(points: readonly MetricsPoint[]): void;
  /** After a connection that broke: events that nobody here was told of. */
  resumed(gapEvents: number | null): void;
}

/** What the page itself does with what was told, whatever the server is. */
const ownCapabilities = [Capability.PLAY, Capability.STEP, Capability.GO_BACK];

export class Live implements Source {
  readonly #viewer: Viewer;
  readonly #listener: LiveListener;
  readonly #socket: Websocket;
  readonly playback: Playback;
  #waiting = new Map<bigint, (reply: Reply | null) => void>();
  #commandId = 0n;
  #hello: Hello | null = null;
  #metrics: MetricsPoint[] = [];
  #keyframeAsked = 0n;
  /** Commands that change what is told: the whole state that comes with the reply replaces what is held. */
  #narrowing = new Set<bigint>();
  #connections = 0;
  readonly knownRun = null;

  constructor(url: string, token: string, viewer: Viewer, listener: LiveListener, interest: InterestInit = {}) {
    this.#viewer = viewer;
    this.#listener = listener;
    this.playback = new Playback(viewer, listener, true);
    this.#socket = new Websocket(url, token, {
      frame: (frame, first) => this.#take(frame, first),
      link: (link) => this.#linked(link),
    }, interest);
  }

  start(): void {
    this.#viewer.condition({ kind: "loading" });
    this.#socket.open();
  }

  restart(): void {
    this.#socket.again();
  }

  stop(): void {
    this.#socket.close();
    this.playback.stop();
    this.#forget();
  }

  send(command: CommandInit): Promise<Reply | null> {
    const here = this.playback.answer(command);
    if (here) return Promise.resolve(here);
    if (!this.#socket.attached) {
      return Promise.resolve(create(ReplySchema, { failure: "The cluster is not connected, so nothing was sent." }));
    }
    return this.#ask(command);
  }

  /**
   * Changes what is told, on this connection and on every later one. The server's words when it refused: all stays as it
   * was then. Empty when it is so, or will be once there is a connection.
   */
  async narrow(interest: InterestInit): Promise<string> {
    const before = this.#socket.interest;
    this.#socket.interest = interest;
    if (!this.#socket.attached) return "";
    const reply = await this.#askInterest();
    if (!reply?.failure) return "";
    // Somebody may have asked for something else meanwhile.
    if (this.#socket.interest === interest) this.#socket.interest = before;
    return reply.failure;
  }

  toPresent(): void {
    this.playback.toPresent();
  }

  /** Now, as a moment from which a recording may begin, for it begins with a whole state; null when the server gave none. */
  async mark(): Promise<Moment | null> {
    if (!this.#socket.attached) return null;
    const reply = await this.#ask({ case: "getKeyframe", value: {} });
    if (!reply || reply.failure) return null;
    return { seq: this.playback.held.markSeq, point: this.#metrics.at(-1) };
  }

  /** What is held, from a moment on, as a file. Of a moment that is not held any more: all. */
  record(from: Moment | null = null): Promise<Blob> {
    const stretches = this.playback.held.stretches(from?.seq);
    const metrics = from?.point ? this.#metrics.slice(this.#metrics.indexOf(from.point) + 1) : this.#metrics;
    return pack({ version: this.#hello?.version ?? "", hello: this.#hello!, wallMicros: this.#beganMicros(), stretches, metrics });
  }

  #beganMicros(): bigint {
    return BigInt(Math.round(Date.now() * 1000 - this.playback.liveMicros));
  }

  #ask(command: CommandInit): Promise<Reply | null> {
    const id = ++this.#commandId;
    this.#socket.send(create(CommandSchema, { id, command }));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  #askInterest(): Promise<Reply | null> {
    const reply = this.#ask({ case: "setInterest", value: this.#socket.interest });
    this.#narrowing.add(this.#commandId);
    return reply;
  }

  #linked(link: Link): void {
    if (link.kind === "waiting" || link.kind === "closed") {
      this.playback.lost();
      this.#keyframeAsked = 0n;
      this.#forget();
    }
    this.#listener.link(link);
  }

  #take(frame: Frame, first: boolean): void {
    const resumed = first && this.#connections > 0;
    if (first) this.#connections++;
    // It was changed between the greeting and the answer to it.
    if (first && this.#socket.outdated) void this.#askInterest();
    if (resumed) this.#listener.resumed(frame.gap ? Number(frame.gap.events) : null);
    if (frame.hello) {
      this.#hello = clone(HelloSchema, frame.hello);
      const hello = clone(HelloSchema, frame.hello);
      hello.capabilities.push(...ownCapabilities);
      this.playback.hello(hello);
      if (this.#connections === 1) this.#viewer.condition({ kind: "running" });
    }
    const narrowed = frame.replies.some((r) => this.#narrowing.has(r.commandId) && !r.failure);
    // No event lies between, and yet what was held does not go on: of other things events were told till now.
    if (narrowed) frame.gap ??= create(GapSchema, { why: interestWords });
    this.playback.take(frame);
    if (frame.metrics.length > 0) {
      this.#metrics = [...this.#metrics, ...frame.metrics].slice(-metricsMax);
      this.#listener.metrics(this.#metrics);
    }
    for (const reply of frame.replies) this.#answered(reply);
    if (this.playback.held.sinceMark > keyframeEvents && this.#keyframeAsked === 0n) void this.#askKeyframe();
  }

  async #askKeyframe(): Promise<void> {
    this.#keyframeAsked = 1n;
    await this.#ask({ case: "getKeyframe", value: {} });
    this.#keyframeAsked = 0n;
  }

  #answered(reply: Reply): void {
    if (reply.result.case === "act") reply.result.value.operationId = this.playback.held.operationId(reply.result.value.operationId);
    this.#waiting.get(reply.commandId)?.(reply);
    this.#waiting.delete(reply.commandId);
    this.#narrowing.delete(reply.commandId);
  }

  #forget(): void {
    for (const resolve of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
    this.#narrowing.clear();
  }
}
