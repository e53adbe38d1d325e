import type { Action } from "../action";

/** What a line does to the cluster itself, and how to say so. */
export interface FaultCommand {
  readonly action: Action;
  /** After it, when one action is not all. */
  readonly then: readonly Action[];
  readonly words: string;
}

export function act(action: Action, words: string, ...then: readonly Action[]): FaultCommand {
  return { action, then, words };
}
