/** The drawn figure of what is selected, to be focused or to open a menu at. */
import type { Selection } from "../../model/selection";
import type { Message } from "../../model/state";

export function figureIn(element: Element | undefined, of: Selection): SVGGElement | null {
  switch (of.kind) {
    case "store":
      return element?.querySelector(`[data-store-id="${of.id}"]`) ?? null;
    case "message":
      return element?.querySelector(`[data-message-id="${of.id}"]`) ?? null;
    case "link":
      return element?.querySelector(`[data-link="${of.a}-${of.b}"]`) ?? null;
    default:
      return null;
  }
}

/** ↑ and ↓ go from one to the next of a list; 0 for other keys. ← and → belong to time. */
export function stepOf(event: KeyboardEvent): number {
  return event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
}

/** Whether a message is about what is pointed at. */
export function belongs(m: Message, s: Selection): boolean {
  switch (s.kind) {
    case "message":
      return m.id === s.id;
    case "store":
      return m.from === s.id || m.to === s.id;
    case "link":
      return (m.from === s.a && m.to === s.b) || (m.from === s.b && m.to === s.a);
    case "entry":
      return m.regionId === s.regionId && m.index < s.index && s.index <= m.index + m.entryTerms.length;
    default:
      return false;
  }
}
