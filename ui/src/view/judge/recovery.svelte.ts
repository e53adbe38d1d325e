/** "Will it recover?": the question that a person asked, and the answer. */
import type { RecoverResult } from "../../pb/sessionpb/v1/session_pb";
import { sentenceText } from "../../model/text";
import { recoverTitle } from "../../model/words";
import { announcer } from "../announcer.svelte";
import { session } from "../session.svelte";

export type RecoveryState =
  | { readonly kind: "none" }
  | { readonly kind: "working" }
  | { readonly kind: "failed"; readonly sentence: string }
  | { readonly kind: "done"; readonly result: RecoverResult };

class Recovery {
  open = $state(false);
  state = $state.raw<RecoveryState>({ kind: "none" });

  #asked = 0;

  /** Another seed is another quorum that is healed; as it is, none is. */
  async ask(seed: number, asItIs = false): Promise<void> {
    const asked = ++this.#asked;
    this.open = true;
    this.state = { kind: "working" };
    if (session.playing) session.pause();
    const reply = await session.request({ case: "recover", value: { seed: BigInt(seed), asItIs } });
    if (asked !== this.#asked) return;
    if (reply?.result.case === "recover") {
      const result = reply.result.value;
      this.state = { kind: "done", result };
      announcer.say(`${recoverTitle(result)}. ${result.recovers ? "" : sentenceText(result.message)}`, 3);
    } else {
      this.state = { kind: "failed", sentence: reply?.failure || "The simulation did not answer; the cluster is as it was." };
    }
  }
}

export const recovery = new Recovery();
