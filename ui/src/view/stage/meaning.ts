import { eventAt, type History } from "../../model/history";
import { nothing, type Selection } from "../../model/selection";

/** What to light up for a selection: an event stands for the message, entry or store that it is about. */
export function meaningOf(selection: Selection, history: History | null): Selection {
  if (selection.kind !== "event" || !history) return selection;
  const held = eventAt(history, selection.seq);
  if (!held) return selection;
  if (held.messageId > 0) return { kind: "message", id: held.messageId };
  const body = held.event.body;
  if (body.case === "committed" || body.case === "applied") {
    return {
      kind: "entry",
      storeId: held.storeId,
      regionId: Number(body.value.regionId),
      index: Number(body.value.index),
    };
  }
  return held.storeId > 0 ? { kind: "store", id: held.storeId } : nothing;
}
