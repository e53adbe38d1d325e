/** The page's one session: what is shown now, and what a person may ask for. Views read it and call its methods. */
import { clone, create } from "@bufbuild/protobuf";
import { type Action } from "../model/action";
import { eventAt, eventGroups, lastSeq, type EventGroup, type HistoryEvent } from "../model/history";
import { isListed, landedIn, listedBefore, listedTotal, type ListFilter } from "../model/listing";
import { rangeWords, regionsOf, type RegionView } from "../model/regions";
import type { Cluster } from "../model/state";
import { follow, noTimeline, type Timeline } from "../model/timeline";
import { Capability, StepUnit, type Frame, type Reply } from "../pb/sessionpb/v1/session_pb";
import { ConfigSchema, RunSchema, type Config, type Run } from "../pb/sessionpb/v1/run_pb";
import { LinkError, runOfHash } from "../source/link";
import { Simulation } from "../source/simulation";
import type { CommandInit, Condition, Source, Viewer } from "../source/source";
import { announcer, spoken, weight, weightiest } from "./announcer.svelte";
import { asked } from "./asked.svelte";
import { pointing } from "./selection.svelte";
import type { Notice } from "./notice";
import { Shown, type Mode } from "./shown";
import { paceOf, speeds } from "./speeds";

export const seedDefault = 42n;
const stepsToListedMax = 2000;
const rushingEventsMin = 6;
const listMillisMin = 160;

class Session {
  #regionChosen = $state(0);
  timeline = $state.raw<Timeline>(noTimeline);
  condition = $state.raw<Condition>({ kind: "loading" });
  notice = $state.raw<Notice | null>(null);
  speedIndex = $state(0);
  /** The last event that the list shows. Follows seq, but when events rush by not faster than can be read. */
  listSeq = $state(0);
  groupsShown = $state.raw<ReadonlySet<EventGroup>>(new Set(eventGroups.filter((g) => g !== "ticks" && g !== "workloads")));
  /** Events of other regions than the one shown are listed, too. */
  allRegionsListed = $state(false);

  cluster = $derived(this.timeline.cluster);
  /** The regions there are, and the one that stage, diagram and inspector show. */
  regions = $derived<readonly RegionView[]>(regionsOf(this.timeline.cluster));
  region = $derived<RegionView | undefined>(this.regions.find((r) => r.id === this.#regionChosen) ?? this.regions[0]);
  regionId = $derived(this.region?.id ?? 1);
  listFilter = $derived<ListFilter>({
    groups: this.groupsShown,
    regionId: this.allRegionsListed || this.regions.length < 2 ? 0 : this.regionId,
  });
  history = $derived(this.timeline.history);
  alarms = $derived(this.timeline.alarms);
  status = $derived(this.timeline.status);
  hello = $derived(this.timeline.hello);
  branches = $derived(this.timeline.branches);
  nowMicros = $derived(Number(this.timeline.status?.nowMicros ?? 0n));
  playing = $derived(this.timeline.status?.playing ?? false);
  seq = $derived(this.timeline.cluster.seq);
  headSeq = $derived(Math.max(Number(this.timeline.status?.headSeq ?? 0n), this.timeline.cluster.seq));
  inPast = $derived(
    Number(this.timeline.status?.steps ?? 0n) < this.timeline.headSteps || (this.timeline.status?.actionsAhead ?? 0) > 0,
  );
  capabilities = $derived<ReadonlySet<Capability>>(new Set(this.timeline.hello?.capabilities ?? []));
  config = $derived(this.timeline.cluster.config);

  mode = $state<Mode>("simulation");

  readonly #shown: Shown;
  #began = false;
  #listedMillis = -Infinity;
  #playedBefore = false;

  constructor() {
    this.#shown = new Shown(
      {
        frame: (frame, reset, at) => this.#take(frame, reset, at),
        condition: (condition) => (this.condition = condition),
        replayed: () => {
          this.notice = { tone: "info", sentence: "The simulation had stopped; it was replayed to where it was, and nothing is lost." };
        },
        turn: (mode, timeline, condition) => this.#turn(mode, timeline, condition),
      },
      (viewer) => new Simulation(viewer),
    );
  }

  start(): void {
    this.#shown.source.start();
  }

  /** Shows another source instead of the simulation, which stands still meanwhile. */
  show(mode: Exclude<Mode, "simulation">, make: (viewer: Viewer) => Source): void {
    if (this.mode === "simulation") {
      this.#playedBefore = this.playing;
      if (this.playing) this.pause();
    }
    this.#shown.show(mode, make, { timeline: this.timeline, condition: this.condition });
  }

  showSimulation(): void {
    this.#shown.showSimulation();
    if (this.#playedBefore && this.timeline.hello) this.play();
  }

  #turn(mode: Mode, timeline: Timeline, condition: Condition): void {
    this.mode = mode;
    this.timeline = timeline;
    this.condition = condition;
    this.notice = null;
    this.#regionChosen = 0;
    this.#began = mode !== "simulation" || timeline.cluster.seq > 0;
    this.listSeq = timeline.cluster.seq;
    asked.clear();
    pointing.select({ kind: "none" });
    pointing.hover({ kind: "none" });
    if (!this.#began && timeline.hello) {
      this.#began = true;
      void this.#beginRun();
    }
  }

  /** The source has no such thing: what is about it alone is not shown. A simulation that loads will have everything. */
  lacks(capability: Capability): boolean {
    return (this.mode !== "simulation" || this.capabilities.size > 0) && !this.capabilities.has(capability);
  }

  can(capability: Capability): boolean {
    return this.condition.kind === "running" && this.capabilities.has(capability);
  }

  // Time.

  play(): void {
    void this.#ask({ case: "play", value: paceOf(speeds[this.speedIndex]) });
  }

  pause(): void {
    void this.#ask({ case: "pause", value: {} });
  }

  setSpeed(index: number): void {
    this.speedIndex = Math.max(0, Math.min(speeds.length - 1, index));
    if (this.playing) this.play();
  }

  /** Goes on until the list of events shows one more. */
  async nextEvent(): Promise<void> {
    const from = this.seq;
    for (let i = 0; i < stepsToListedMax; i++) {
      const before = this.seq;
      const unit = this.groupsShown.has("ticks") ? StepUnit.EVENT : StepUnit.EVENT_BUT_TICK;
      await this.#step(unit);
      const event = eventAt(this.history, this.seq);
      if (event && isListed(event, this.listFilter)) break;
      if (this.seq === before) break;
    }
    if (this.seq !== from) this.#announceNow();
  }

  /** Goes back until the list of events shows one less. */
  async previousEvent(): Promise<void> {
    const listed = this.listedBefore(this.seq);
    const current = listed[0];
    if (!current) return;
    // Before the first one held lies what the page has forgotten, or the start of the run.
    await this.#goTo(listed[1]?.seq ?? Math.max(1, current.seq - 1));
    this.#announceNow();
  }

  async tick(storeId = 0): Promise<void> {
    await this.#step(StepUnit.TICK, storeId);
    this.#announceNow();
  }

  /** Goes on until a message of the region that is shown has ended its flight. */
  async nextMessage(): Promise<void> {
    for (let i = 0; i < stepsToListedMax; i++) {
      const before = this.seq;
      await this.#step(StepUnit.MESSAGE);
      if (this.seq === before || (this.regions.length < 2 || landedIn(this.history.events, before, this.regionId))) break;
    }
    this.#announceNow();
  }

  async nextInteresting(): Promise<void> {
    const from = this.seq;
    const reply = await this.#step(StepUnit.INTERESTING);
    if (reply?.failure) {
      const back = { label: "Go back", run: () => void this.seek(from) };
      this.notice = { tone: "info", sentence: `${reply.failure}.`, action: this.seq > from ? back : undefined };
      return;
    }
    this.#announceNow();
  }

  async seek(seq: number): Promise<void> {
    await this.#goTo(seq);
    this.#announceNow();
  }

  async first(): Promise<void> {
    await this.seek(1);
  }

  async newest(): Promise<void> {
    await this.#ask({ case: "pause", value: {} }, { case: "seek", value: { seq: 0n } });
    this.#announceNow();
  }

  switchBranch(branchId: number): void {
    void this.#ask({ case: "switchBranch", value: { branchId } });
  }

  // Regions.

  showRegion(id: number): void {
    if (id === this.regionId || !this.regions.some((r) => r.id === id)) return;
    this.#regionChosen = id;
    // A message or an entry of another region is not to be seen any more; a store is.
    const kind = pointing.selected.kind;
    if (kind === "message" || kind === "entry") pointing.select({ kind: "none" });
  }

  /** In the order of their keys, and round again. */
  showNextRegion(): void {
    const at = this.regions.findIndex((r) => r.id === this.regionId);
    const next = this.regions[(at + 1) % this.regions.length];
    if (!next || next.id === this.regionId) return;
    this.showRegion(next.id);
    announcer.say(`Region ${next.id}, ${rangeWords(next.region)}, is shown.`);
  }

  // Deeds.

  /** Does something to the cluster. Resolves with the started operation's id (0 for none), or null when it was refused. */
  async act(action: Action): Promise<number | null> {
    const before = this.seq;
    const send = () => this.#ask({ case: "act", value: { action } });
    const reply = this.mode === "live" ? await asked.follow(action, this.nowMicros, send) : await send();
    if (reply?.failure || (!reply && this.mode === "live")) return null;
    if (this.mode === "simulation" && !this.playing && !this.#announceWorthy(before)) this.#announceNow();
    return reply?.result.case === "act" ? Number(reply.result.value.operationId) : 0;
  }

  // Runs.

  /** Starts a run afresh. The one before can be brought back from the notice. */
  async reset(run: Run, options: { go?: boolean; play?: boolean; keepBefore?: boolean } = {}): Promise<void> {
    const before = options.keepBefore ? await this.exportRun() : null;
    if (this.condition.kind === "failed") {
      this.#begin = run;
      this.#began = false;
      this.timeline = noTimeline;
      this.#shown.source.restart();
      return;
    }
    const reply = await this.#reset(run, options.go === true, options.play === true);
    if (reply?.failure || !before) return;
    this.notice = {
      tone: "info",
      sentence: `A new run with seed ${run.config?.seed ?? 0n} has started.`,
      action: { label: "Bring back the run before", run: () => void this.reset(before, { go: true }) },
    };
  }

  /** The same seed and configuration from the start, without the actions. */
  async resetSame(): Promise<void> {
    const config = this.config ?? this.hello?.configDefault ?? this.#shown.source.knownRun?.config;
    const play = this.playing;
    await this.reset(create(RunSchema, { config: await this.#startConfig(config) }), { keepBefore: true, play });
  }

  /** A share link put into the address of the open page. */
  async openLink(): Promise<void> {
    try {
      const run = await runOfHash(location.hash);
      if (run) await this.reset(run, { go: true, keepBefore: true });
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      this.notice = { tone: "bad", sentence: "The link's run is incomplete or garbled; the run here goes on as it was." };
    }
  }

  async exportRun(): Promise<Run | null> {
    if (this.condition.kind !== "running") return null;
    const reply = await this.#ask({ case: "exportRun", value: {} });
    return reply?.result.case === "run" ? reply.result.value : null;
  }

  async hash(): Promise<string> {
    const reply = await this.#ask({ case: "getHash", value: {} });
    return reply?.result.case === "hash" ? reply.result.value.hash : "";
  }

  // The list of events.

  listedBefore(seq: number, max = 2, seqMin = 0): HistoryEvent[] {
    return listedBefore(this.history, this.listFilter, seq, max, seqMin);
  }

  listedTotal(seq: number): number {
    return listedTotal(this.history, this.listFilter, seq);
  }

  toggleGroup(group: EventGroup): void {
    const shown = new Set(this.groupsShown);
    if (!shown.delete(group)) shown.add(group);
    this.groupsShown = shown;
  }

  /** Asks the source for something; null when it was gone before. The caller tells of a failure. */
  request(command: CommandInit): Promise<Reply | null> {
    return this.#shown.source.send(command);
  }

  #begin: Run | null = null;

  async #beginRun(): Promise<void> {
    let run = this.#begin;
    let go = false;
    this.#begin = null;
    if (!run) {
      try {
        run = await runOfHash(location.hash);
        go = run !== null;
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        this.notice = { tone: "bad", sentence: error.message };
      }
    }
    const config = clone(ConfigSchema, this.hello?.configDefault ?? create(ConfigSchema));
    config.seed = seedDefault;
    const defaults = create(RunSchema, { config });
    // A shared moment stands still: somebody wants it looked at.
    const reply = await this.#reset(run ?? defaults, go, run === null);
    if (reply?.failure && run) {
      this.notice = { tone: "bad", sentence: `${reply.failure} The page starts the default run instead.` };
      await this.#reset(defaults, false, true);
    }
  }

  async #reset(run: Run, go: boolean, play: boolean): Promise<Reply | null> {
    const commands: CommandInit[] = [{ case: "reset", value: { run, go } }];
    if (play) commands.push({ case: "play", value: paceOf(speeds[this.speedIndex]) });
    return this.#ask(...commands);
  }

  async #startConfig(config: Config | null | undefined): Promise<Config> {
    const run = await this.exportRun();
    // The run's own configuration: network and disk as they were at its start.
    return run?.config ?? config ?? create(ConfigSchema);
  }

  async #step(unit: StepUnit, storeId = 0): Promise<Reply | null> {
    const step: CommandInit = { case: "step", value: { unit, storeId: BigInt(storeId) } };
    return this.playing ? this.#ask({ case: "pause", value: {} }, step) : this.#ask(step);
  }

  async #goTo(seq: number): Promise<void> {
    const seek: CommandInit = { case: "seek", value: { seq: BigInt(seq) } };
    if (this.playing) await this.#ask({ case: "pause", value: {} }, seek);
    else await this.#ask(seek);
  }

  /** Sends commands of one request; the reply to the first that failed, else to the last. */
  async #ask(...commands: CommandInit[]): Promise<Reply | null> {
    const replies = await Promise.all(commands.map((command) => this.#shown.source.send(command)));
    const failed = replies.find((r) => r?.failure);
    if (failed) this.notice = { tone: "bad", sentence: failed.failure };
    return failed ?? replies[replies.length - 1];
  }

  #take(frame: Frame, reset: boolean, at?: Cluster): void {
    const before = this.timeline;
    this.timeline = follow(before, frame, reset, at);
    const now = performance.now();
    const rushing = this.playing && frame.events.length > rushingEventsMin;
    if (!rushing || reset || now - this.#listedMillis > listMillisMin) {
      this.#listedMillis = now;
      this.listSeq = this.seq;
    }
    if (!this.#began && this.timeline.hello) {
      this.#began = true;
      void this.#beginRun();
      return;
    }
    if (this.playing && this.seq > before.cluster.seq) this.#announceWorthy(lastSeq(before.history));
  }

  #announceNow(): void {
    const event = eventAt(this.history, this.seq);
    if (event) announcer.say(spoken(event, this.regions.length > 1));
  }

  /** Announces the newest of the weightiest events after one; tells whether there was any. */
  #announceWorthy(after: number): boolean {
    const best = weightiest(this.history.events, after);
    if (best) announcer.say(spoken(best, this.regions.length > 1), weight(best));
    return best !== null;
  }
}

export const session = new Session();
