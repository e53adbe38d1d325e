/** A live cluster as a source: a websocket tells, a playback shows at the eye's pace, and deeds go to the server. */
import { clone, create } from "@bufbuild/protobuf";
import {
  Capability,
  CommandSchema,
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
import { Websocket, type Link } from "./websocket";

export const metricsMax = 900;
/** A whole state is asked for so often: what is held begins with one. */
const keyframeEvents = 10_000;

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
  #connections = 0;
  readonly knownRun = null;

  constructor(url: string, token: string, viewer: Viewer, listener: LiveListener) {
    this.#viewer = viewer;
    this.#listener = listener;
    this.playback = new Playback(viewer, listener, true);
    this.#socket = new Websocket(url, token, {
      frame: (frame, first) => this.#take(frame, first),
      link: (link) => this.#linked(link),
    });
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

  toPresent(): void {
    this.playback.toPresent();
  }

  /** What is held, as a file. */
  record(): Promise<Blob> {
    const stretches = this.playback.held.stretches();
    return pack({ version: this.#hello?.version ?? "", hello: this.#hello!, wallMicros: this.#beganMicros(), stretches, metrics: this.#metrics });
  }

  #beganMicros(): bigint {
    return BigInt(Math.round(Date.now() * 1000 - this.playback.liveMicros));
  }

  #ask(command: CommandInit): Promise<Reply | null> {
    const id = ++this.#commandId;
    this.#socket.send(create(CommandSchema, { id, command }));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
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
    if (resumed) this.#listener.resumed(frame.gap ? Number(frame.gap.events) : null);
    if (frame.hello) {
      this.#hello = clone(HelloSchema, frame.hello);
      const hello = clone(HelloSchema, frame.hello);
      hello.capabilities.push(...ownCapabilities);
      this.playback.hello(hello);
      if (this.#connections === 1) this.#viewer.condition({ kind: "running" });
    }
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
  }

  #forget(): void {
    for (const resolve of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
  }
}
