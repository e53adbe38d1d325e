/** Where a step ends among the events that are held. */
import { Role, type Event } from "../../pb/sessionpb/v1/event_pb";
import { StepUnit, type Step } from "../../pb/sessionpb/v1/session_pb";
import type { Held } from "./held";

/** The last event of a step that begins after an event; 0 when it does not end within what is held. */
export function untilStep(held: Held, after: number, step: Step): number {
  for (let seq = after + 1; seq <= held.lastSeq; seq++) if (ends(held.at(seq)!, step)) return seq;
  return 0;
}

function ends(event: Event, { unit, storeId }: Step): boolean {
  const kind = event.body.case;
  switch (unit) {
    case StepUnit.TICK:
      return kind === "ticked" && (!storeId || event.storeId === storeId);
    case StepUnit.MESSAGE:
      return kind === "messageDelivered" || kind === "messageLost";
    case StepUnit.INTERESTING:
      return isInteresting(event);
    case StepUnit.EVENT_BUT_TICK:
      return kind !== "ticked";
    default:
      return true;
  }
}

function isInteresting({ body }: Event): boolean {
  switch (body.case) {
    case "roleChanged":
      return body.value.role === Role.LEADER || body.value.role !== body.value.roleBefore;
    case "storeShown":
      return body.value.eventsLeftOut > 0n;
    case "storeCrashed":
    case "storeStarted":
    case "storeStopped":
    case "operationEnded":
    case "regionChanged":
    case "snapshotRestored":
    case "violation":
      return true;
    default:
      return false;
  }
}
