/** The judgement of the history that a person asked for: where it stands, and what it says. */
import { judge, type Trial } from "../../source/judge";
import { VerdictKind, type History, type Verdict } from "../../pb/sessionpb/v1/session_pb";
import { operationOf } from "../../model/fold";
import type { Operation } from "../../model/state";
import { countText, sentenceText } from "../../model/text";
import { verdictTitle } from "../../model/words";
import { announcer } from "../announcer.svelte";
import { session } from "../session.svelte";

export type JudgingState =
  | { readonly kind: "none" }
  | { readonly kind: "working"; readonly words: string; readonly detail: string }
  | { readonly kind: "failed"; readonly sentence: string }
  | { readonly kind: "done"; readonly verdict: Verdict; readonly nowMicros: number };

class Judging {
  state = $state.raw<JudgingState>({ kind: "none" });
  /** What was judged: also what the page itself has forgotten. */
  operations = $state.raw<ReadonlyMap<number, Operation>>(new Map());
  /** Operations that fit in no order with the others. */
  accused = $derived.by((): ReadonlySet<number> => {
    const ids = new Set<number>();
    if (this.state.kind !== "done") return ids;
    for (const finding of this.state.verdict.findings) {
      if (finding.kind === VerdictKind.VIOLATED) for (const id of finding.operationIds) ids.add(Number(id));
    }
    return ids;
  });

  #trial: Trial | null = null;
  /** Whoever asks again does not want the answer to what was asked before. */
  #asked = 0;

  async judge(): Promise<void> {
    this.cancel();
    const asked = ++this.#asked;
    this.state = { kind: "working", words: "Collecting the history…", detail: "The run is gone through once more for all that clients asked and heard." };
    const reply = await session.request({ case: "getHistory", value: {} });
    if (asked !== this.#asked) return;
    if (reply?.result.case !== "history") {
      this.#fail(reply?.failure || "The simulation did not answer; nothing was judged.");
      return;
    }
    const history = reply.result.value;
    this.state = { kind: "working", words: `Judging ${operationsText(history)}…`, detail: "The judge looks for one order of all operations that explains every answer. The cluster can go on meanwhile." };
    this.operations = new Map(history.operations.map((o) => [Number(o.id), operationOf(o)]));
    try {
      this.#trial = judge(history);
      const verdict = await this.#trial.verdict;
      if (asked !== this.#asked || !verdict) return;
      this.#trial = null;
      this.state = { kind: "done", verdict, nowMicros: Number(history.nowMicros) };
      announcer.say(`${verdictTitle(verdict.kind)}. ${sentenceText(verdict.message)}`, 3);
    } catch (error) {
      if (asked === this.#asked) this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  cancel(): void {
    this.#asked++;
    this.#trial?.end();
    this.#trial = null;
    if (this.state.kind === "working") this.state = { kind: "none" };
  }

  /** Of another run, or of no interest any more. */
  clear(): void {
    this.cancel();
    this.state = { kind: "none" };
    this.operations = new Map();
  }

  #fail(sentence: string): void {
    this.#trial = null;
    this.state = { kind: "failed", sentence };
  }
}

function operationsText(history: History): string {
  const total = history.operations.length;
  return `${countText(total)} ${total === 1 ? "operation" : "operations"}`;
}

export const judging = new Judging();
