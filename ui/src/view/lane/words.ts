/** An operation in words: in its tip, for those who do not see the lane, and in the lists of a verdict. */
import { outcomeOf, outcomeWords } from "../../model/outcome";
import type { Operation } from "../../model/state";
import { durationText } from "../../model/text";
import { answerWords, clientName, requestWords, storeName } from "../../model/words";

export function operationTitle(operation: Operation): string {
  const who = operation.worker > 0 ? clientName(operation.worker) : "You";
  return `${who}: ${requestWords(operation.request)}`;
}

/** "3, after 24 ms, at S2"; "outcome unknown: …, after 1 s, at S1, tried again". */
export function operationWords(operation: Operation, nowMicros: number, accused: boolean): string {
  const outcome = outcomeOf(operation);
  const parts: string[] = [];
  if (outcome === "open") {
    parts.push(`waits for ${durationText(Math.max(0, nowMicros - operation.startedMicros))}`);
  } else {
    const said = answerWords(operation.response!).words;
    parts.push(outcome === "ok" ? said : `${said} (${outcomeWords[outcome]})`);
    parts.push(`after ${durationText(operation.endedMicros - operation.startedMicros)}`);
  }
  parts.push(`at ${operation.toStore > 0 ? storeName(operation.toStore) : "the leader"}`);
  if (operation.retryOf > 0) parts.push(`a retry of operation ${operation.retryOf}`);
  if (accused) parts.push("fits in no order with the others");
  return parts.join(", ");
}
