/**
 * The simulated cluster in a worker of its own, as a session: commands in, frames out. At most one request an animation
 * frame, each awaited before the next. A worker that hangs or dies is replaced and replayed to where it was.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CommandSchema,
  FrameSchema,
  RequestSchema,
  type Command,
  type Frame,
  type Reply,
  type Status,
} from "../pb/sessionpb/v1/session_pb";
import { RunSchema, type Run } from "../pb/sessionpb/v1/run_pb";
import type { FromWorker, ToWorker } from "./boundary";
import { compile } from "./core";
import type { CommandInit, Source, Viewer } from "./source";

const answerMillisMax = 4000;
const startMillisMax = 20_000;
const budgetMicros = 8000n;
/** A tab that slept must not leap. */
const elapsedMillisMax = 100;

export class Simulation implements Source {
  readonly #viewer: Viewer;
  #module: Promise<WebAssembly.Module> | null = null;
  #worker: Worker | null = null;
  #queued: Command[] = [];
  /** Of the request that is not answered yet. */
  #sent: Command[] = [];
  /** Each command is answered once, when it is done. */
  #waiting = new Map<bigint, (reply: Reply | null) => void>();
  #commandId = 0n;
  #awaiting = false;
  /** Answers that are not shown yet. */
  #held: { readonly bytes: Uint8Array; readonly reset: boolean }[] = [];
  #scheduled = 0;
  #watchdog = 0;
  #lastRequestMillis = 0;
  #status: Status | null = null;
  #resetPending = false;
  /** Configuration and actions as last told by the core; a fresh worker is led along them. */
  #run: Run | null = null;
  #replaying = false;
  #playAfterReplay = false;
  #greeted = false;
  #lastPlay: CommandInit | null = null;

  constructor(viewer: Viewer) {
    this.#viewer = viewer;
  }

  /** Loads and starts the core; the first frame holds its Hello. */
  start(): void {
    this.#viewer.condition({ kind: "loading" });
    if (typeof WebAssembly !== "object" || typeof Worker !== "function") {
      this.#fail("This browser has no WebAssembly, which the simulation runs on. Open the page in a current browser.", false);
      return;
    }
    this.#module ??= compile();
    // The worker's own script loads while the core does.
    const worker = this.#spawn();
    this.#module.then(
      (module) => {
        if (worker !== this.#worker) return;
        this.#watch(startMillisMax);
        this.#post({ kind: "start", module });
      },
      (error: unknown) => {
        this.#module = null;
        this.#drop();
        this.#fail(`The simulation could not be loaded (${reasonOf(error)}). Nothing is lost: reload the page to try again.`, false);
      },
    );
  }

  /** Queues a command for the next animation frame. Resolves with its reply, or null when the core was gone before. */
  send(command: CommandInit): Promise<Reply | null> {
    const id = ++this.#commandId;
    this.#queued.push(create(CommandSchema, { id, command }));
    if (command.case === "play") this.#lastPlay = command;
    if (command.case === "reset" && command.value.run) this.#run = create(RunSchema, command.value.run);
    if (command.case === "reset" || command.case === "act" || command.case === "switchBranch") this.#askRun();
    this.#schedule();
    // Pause does not wait for the next animation frame; what is sent with it goes along.
    if (command.case === "pause") {
      queueMicrotask(() => {
        const free = this.#worker !== null && this.#greeted && !this.#awaiting && !this.#replaying;
        if (free && this.#pauseQueued()) this.#request(this.#queued.splice(0));
      });
    }
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** The run as last told: what is known of it even when the core is gone. */
  get knownRun(): Run | null {
    return this.#run;
  }

  /** After a failure: a fresh worker; the caller sends Reset. */
  restart(): void {
    this.#run = null;
    this.#status = null;
    this.#replaying = false;
    this.#drop();
    this.#forget();
    this.start();
  }

  stop(): void {
    this.#drop();
    this.#forget();
  }

  #askRun(): void {
    // One at the end of the queue is enough for all commands of a request.
    this.#queued = this.#queued.filter((c) => c.command.case !== "exportRun" || this.#waiting.has(c.id));
    this.#queued.push(create(CommandSchema, { id: ++this.#commandId, command: { case: "exportRun", value: {} } }));
  }

  #spawn(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "raftplay" });
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (worker === this.#worker) this.#receive(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (worker === this.#worker) this.#died(event.message || "its script could not run");
    };
    return worker;
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message, message.kind === "request" ? [message.bytes.buffer as ArrayBuffer] : []);
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case "ready":
        clearTimeout(this.#watchdog);
        this.#lastRequestMillis = performance.now();
        if (this.#replaying) this.#replay();
        else this.#request([]);
        break;
      case "frame":
        clearTimeout(this.#watchdog);
        this.#awaiting = false;
        this.#held.push({ bytes: message.bytes, reset: this.#resetPending });
        // Pause waits for nothing: the frame it overtakes is drawn together with its answer.
        if (this.#pauseQueued() && !this.#replaying) this.#request(this.#queued.splice(0));
        else for (const { bytes, reset } of this.#held.splice(0)) this.#take(fromBinary(FrameSchema, bytes), reset);
        break;
      case "died":
        this.#died(message.reason);
        break;
    }
  }

  #pauseQueued(): boolean {
    return this.#queued.some((c) => c.command.case === "pause");
  }

  #take(frame: Frame, begins: boolean): void {
    if (frame.status) this.#status = frame.status;
    for (const reply of frame.replies) if (reply.result.case === "run") this.#run = reply.result.value;
    const working = frame.status?.work !== undefined;
    if (this.#replaying && !working) {
      this.#replaying = false;
      this.#viewer.condition({ kind: "running" });
      this.#viewer.replayed();
    } else if (!this.#greeted) {
      this.#viewer.condition({ kind: "running" });
    }
    this.#greeted = true;
    this.#viewer.frame(frame, begins);
    for (const reply of frame.replies) {
      this.#waiting.get(reply.commandId)?.(reply);
      this.#waiting.delete(reply.commandId);
    }
    this.#schedule();
  }

  #needed(): boolean {
    const status = this.#status;
    return this.#queued.length > 0 || this.#waiting.size > 0 || status?.playing === true || status?.work !== undefined;
  }

  #schedule(): void {
    if (this.#scheduled !== 0 || !this.#needed()) return;
    this.#scheduled = requestAnimationFrame(() => {
      this.#scheduled = 0;
      if (this.#awaiting || !this.#worker || !this.#greeted) return;
      if (this.#replaying && !this.#status?.work) return;
      this.#request(this.#queued.splice(0));
    });
  }

  #request(commands: Command[]): void {
    const now = performance.now();
    const elapsedMillis = Math.min(now - this.#lastRequestMillis, elapsedMillisMax);
    this.#lastRequestMillis = now;
    this.#resetPending = commands.some((c) => c.command.case === "reset");
    const elapsedMicros = BigInt(Math.round(elapsedMillis * 1000));
    const bytes = toBinary(RequestSchema, create(RequestSchema, { commands, elapsedMicros, budgetMicros }));
    this.#awaiting = true;
    this.#sent = commands;
    this.#watch(answerMillisMax);
    this.#post({ kind: "request", bytes });
  }

  #watch(millisMax: number): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = window.setTimeout(() => this.#died(`no answer in ${millisMax / 1000} s`), millisMax);
  }

  #drop(): void {
    clearTimeout(this.#watchdog);
    cancelAnimationFrame(this.#scheduled);
    this.#scheduled = 0;
    this.#worker?.terminate();
    this.#worker = null;
    this.#awaiting = false;
    this.#resetPending = false;
    this.#held = [];
    this.#greeted = false;
    // What was sent and not answered stays without an answer; what is only queued goes to the next worker.
    const queued = new Set(this.#queued.map((c) => c.id));
    for (const [id, resolve] of this.#waiting) {
      if (queued.has(id)) continue;
      this.#waiting.delete(id);
      resolve(null);
    }
  }

  #forget(): void {
    for (const resolve of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
    this.#queued = [];
  }

  #died(reason: string): void {
    const run = this.#run;
    const again = this.#replaying;
    // Whether it plays then is what a person asked for last, answered or not.
    const asked = this.#awaiting ? this.#sent.findLast((c) => c.command.case === "play" || c.command.case === "pause") : undefined;
    this.#drop();
    if (!run || again) {
      this.#forget();
      const seed = run?.config ? ` at seed ${run.config.seed}` : "";
      const twice = again ? "stopped again while it was led back to where it was" : `stopped${seed}`;
      this.#replaying = false;
      this.#fail(`The simulation ${twice}${again ? seed : ""} (${reason}). A reset starts it afresh.`, true);
      return;
    }
    this.#replaying = true;
    this.#playAfterReplay = asked ? asked.command.case === "play" : this.#status?.playing === true;
    this.#viewer.condition({
      kind: "replaying",
      sentence: `The simulation stopped (${reason}); it is being replayed to where it was.`,
    });
    this.start();
  }

  /** Leads a fresh worker along the run's actions to the last moment shown, event for event. */
  #replay(): void {
    const status = this.#status;
    const run = create(RunSchema, this.#run!);
    if (status) {
      run.steps = status.steps;
      run.nowMicros = status.nowMicros;
      run.acted = status.actions - status.actionsAhead;
    }
    const commands: CommandInit[] = [{ case: "reset", value: { run, go: true } }];
    if (status && status.seq > 0n) commands.push({ case: "seek", value: { seq: status.seq } });
    commands.push({ case: "exportRun", value: {} });
    if (this.#playAfterReplay && this.#lastPlay) commands.push(this.#lastPlay);
    this.#request(commands.map((command) => create(CommandSchema, { id: ++this.#commandId, command })));
  }

  #fail(sentence: string, canReset: boolean): void {
    this.#viewer.condition({ kind: "failed", sentence, canReset });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
