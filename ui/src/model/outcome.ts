/** What became of an operation, as its client knows it. */
import { Outcome } from "../pb/errorpb/v1/errorpb_pb";
import type { Operation } from "./state";

/** refused: surely not done; unknown: done or not, and the client cannot tell. */
export type OperationOutcome = "open" | "ok" | "refused" | "unknown";

export function outcomeOf(operation: Operation): OperationOutcome {
  const { response } = operation;
  if (!response) return "open";
  const error = response.header?.error;
  // That a condition did not hold is an answer like any other.
  if (!error) return "ok";
  return error.outcome === Outcome.MAY_APPLY ? "unknown" : "refused";
}

export const outcomeWords: Readonly<Record<OperationOutcome, string>> = {
  open: "waits for an answer",
  ok: "answered",
  refused: "refused, surely not done",
  unknown: "outcome unknown: done or not, the client cannot tell",
};
