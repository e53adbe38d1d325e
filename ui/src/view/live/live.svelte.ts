/** What the page knows of the live cluster, or the recording, that it shows, beside the cluster itself. */
import { announcer } from "../announcer.svelte";
import { session } from "../session.svelte";
import { countText } from "../../model/text";
import type { MetricsPoint, Recording } from "../../pb/sessionpb/v1/session_pb";
import { Live, type Moment } from "../../source/live";
import type { Standing } from "../../source/playback/playback";
import { RecordingError, RecordingSource, unpack } from "../../source/recording";
import type { Link } from "../../source/websocket";
import { addressKnown, remember, tokenKnown, urlOf } from "./address";
import { everything, interestOf, refusedWords, showingWords, type Showing } from "./showing";
import { behindText } from "./words";

export interface Recorded {
  readonly fileName: string;
  /** In the reader's own time. */
  readonly when: string;
  readonly micros: number;
  readonly gapEvents: number;
}

const noticeMillis = 8000;

class LiveView {
  link = $state.raw<Link>({ kind: "connecting" });
  standing = $state.raw<Standing>({ behindMicros: 0, paused: false, byHand: false });
  metrics = $state.raw<readonly MetricsPoint[]>([]);
  /** The last leap: so many events were passed over. */
  leapt = $state.raw<{ readonly events: number; readonly millis: number } | null>(null);
  address = $state("");
  connecting = $state(false);
  choosing = $state(false);
  /** What of the cluster is told, on this connection and on later ones to the same server. */
  showing = $state.raw<Showing>(everything);
  /** Somebody chooses what is told. */
  narrowing = $state(false);
  recorded = $state.raw<Recorded | null>(null);
  /** What is recorded apart from all that is held begins there. */
  recordingFrom = $state.raw<{ readonly moment: Moment; readonly when: string } | null>(null);
  #live: Live | null = null;
  #lostMillis = 0;

  connect(address = addressKnown(), token = tokenKnown(address)): void {
    const url = urlOf(address);
    // Another server's cluster has regions and stores of its own.
    if (address !== this.address) this.showing = everything;
    this.address = address;
    if (!url) {
      this.connecting = true;
      return;
    }
    remember(address, token);
    this.#clear();
    session.show("live", (viewer) => (this.#live = new Live(url, token, viewer, {
      link: (link) => this.#linked(link),
      stands: (standing) => (this.standing = standing),
      leapt: (events) => (this.leapt = { events, millis: performance.now() }),
      metrics: (points) => (this.metrics = points),
      resumed: () => this.#resumed(),
    }, interestOf(this.showing))));
  }

  /** Opens a recording. A sentence when the file is none: what is shown stays then. */
  async open(file: File): Promise<string> {
    let recording: Recording;
    try {
      recording = await unpack(file);
    } catch (error) {
      if (error instanceof RecordingError) return error.message;
      throw error;
    }
    this.#clear();
    this.recorded = recordedOf(file.name, recording);
    this.metrics = recording.metrics;
    session.show("recording", (viewer) => new RecordingSource(recording, viewer, {
      stands: (standing) => (this.standing = standing),
      leapt: () => {},
    }));
    this.choosing = false;
    return "";
  }

  again(): void {
    this.#live?.restart();
  }

  /** Changes what is told. A sentence when the server refused: what is told stays as it was then. */
  async narrow(showing: Showing): Promise<string> {
    const live = this.#live;
    if (!live) return "No live cluster is shown.";
    const refusal = await live.narrow(interestOf(showing));
    if (refusal) return refusedWords(refusal);
    if (live !== this.#live) return "";
    this.showing = showing;
    // A region of which nothing is told would stand still on the stage.
    if (showing.regions && !showing.regions.includes(session.regionId)) session.showRegion(showing.regions[0]);
    announcer.say(`Showing ${showingWords(showing)}.`);
    return "";
  }

  /** The same from a place that has no room for a sentence of its own. */
  async showEverything(): Promise<void> {
    const wrong = await this.narrow(everything);
    if (wrong) session.notice = { tone: "bad", sentence: wrong };
  }

  toPresent(): void {
    this.#live?.toPresent();
  }

  /** From now on what happens is recorded apart. */
  async startRecording(): Promise<void> {
    const live = this.#live;
    const moment = await live?.mark();
    if (live !== this.#live) return;
    if (!moment) {
      session.notice = { tone: "bad", sentence: "The cluster did not say how it stands, so no recording was begun. Try again." };
      return;
    }
    this.recordingFrom = { moment, when: new Date().toLocaleTimeString() };
    announcer.say("Recording from now on.");
  }

  /** A file of all that is held, or of what happened since the recording was begun, which ends it. */
  async save(from: Moment | null = null): Promise<void> {
    if (!this.#live) return;
    const blob = await this.#live.record(from);
    if (from) this.recordingFrom = null;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `raftplay-${new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-")}.raftplay`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    announcer.say(`Saved as ${link.download}, ${countText(Math.ceil(blob.size / 1000))} kB.`);
  }

  #clear(): void {
    this.#live = null;
    this.metrics = [];
    this.leapt = null;
    this.recordingFrom = null;
    this.link = { kind: "connecting" };
  }

  #resumed(): void {
    const away = performance.now() - this.#lostMillis;
    const sentence = `Connected again. What happened in the ${behindText(away * 1000)} between was not shown.`;
    const notice = { tone: "info", sentence } as const;
    session.notice = notice;
    announcer.say(sentence);
    setTimeout(() => {
      if (session.notice === notice) session.notice = null;
    }, noticeMillis);
  }

  #linked(link: Link): void {
    if (this.link.kind === "attached") this.#lostMillis = performance.now();
    this.link = link;
    if (link.kind === "waiting" || link.kind === "closed") announcer.say(link.sentence, 3);
    else if (link.kind === "attached") announcer.say("Connected to the live cluster.");
    if (link.kind === "closed" && link.token) this.connecting = true;
  }
}

function recordedOf(fileName: string, { stretches, wallMicros }: Recording): Recorded {
  const first = stretches[0].keyframe!.timeMicros;
  const last = stretches[stretches.length - 1];
  const end = last.events.at(-1)?.timeMicros ?? last.keyframe!.timeMicros;
  const gapEvents = stretches.reduce((sum, s) => sum + Number(s.gap?.events ?? 0n), 0);
  const began = new Date(Number((wallMicros + first) / 1000n));
  const when = wallMicros > 0n ? began.toLocaleString() : "at an unknown time";
  return { fileName, when, micros: Number(end - first), gapEvents };
}

export const liveView = new LiveView();
