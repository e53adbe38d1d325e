/**
 * What the judges have found in a run, and why it is outside of what Raft promises, if it is. Kept apart from the cluster
 * at one instant: to look at the evidence one goes back to before the violation, and it stays found.
 */
import type { Frame } from "../pb/sessionpb/v1/session_pb";
import { violationOf } from "./fold/wire";
import type { Violation } from "./state";

export interface ModelLeft {
  /** The event that tells, or, when only a whole state told, a moment by which it had happened. */
  readonly seq: number;
  readonly timeMicros: number;
  readonly why: string;
}

export interface Alarms {
  /** Ascending by seq; the first ones of a run, which the others may follow from. */
  readonly violations: readonly Violation[];
  readonly modelLeft: readonly ModelLeft[];
}

export const noAlarms: Alarms = { violations: [], modelLeft: [] };

export const alarmsMax = 100;

/** sharedSeq: up to here what is known belongs to the branch as well. */
export function followAlarms(alarms: Alarms, frame: Frame, sharedSeq = Infinity): Alarms {
  let { violations, modelLeft } = alarms;
  if (sharedSeq !== Infinity) {
    violations = violations.filter((v) => v.seq <= sharedSeq);
    modelLeft = modelLeft.filter((m) => m.seq <= sharedSeq);
  }
  for (const why of frame.keyframe?.modelLeft ?? []) {
    const { seq, timeMicros } = frame.keyframe!;
    modelLeft = withModelLeft(modelLeft, { seq: Number(seq), timeMicros: Number(timeMicros), why });
  }
  for (const event of frame.events) {
    const body = event.body;
    if (body.case === "violation") violations = withViolation(violations, violationOf(event, body.value));
    else if (body.case === "modelLeft") {
      const { seq, timeMicros } = event;
      modelLeft = withModelLeft(modelLeft, { seq: Number(seq), timeMicros: Number(timeMicros), why: body.value.why });
    }
  }
  return violations === alarms.violations && modelLeft === alarms.modelLeft ? alarms : { violations, modelLeft };
}

/** Events come again when a person goes back and forth. */
function withViolation(violations: readonly Violation[], violation: Violation): readonly Violation[] {
  if (violations.length >= alarmsMax || violations.some((v) => v.seq === violation.seq)) return violations;
  return [...violations, violation].sort((a, b) => a.seq - b.seq);
}

function withModelLeft(all: readonly ModelLeft[], left: ModelLeft): readonly ModelLeft[] {
  const known = all.find((m) => m.why === left.why);
  if (known && known.seq <= left.seq) return all;
  if (!known && all.length >= alarmsMax) return all;
  return [...all.filter((m) => m !== known), left].sort((a, b) => a.seq - b.seq);
}

/** Why the run was outside of what Raft promises when a judge cried; null when it was inside. */
export function excuseOf(alarms: Alarms, violation: Violation): ModelLeft | null {
  return alarms.modelLeft.find((m) => m.seq < violation.seq) ?? null;
}
