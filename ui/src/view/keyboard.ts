/** The page's single keys: what they do, and when they must not. */
export type KeyDeed =
  | { readonly kind: "play" }
  | { readonly kind: "next" }
  | { readonly kind: "previous" }
  | { readonly kind: "interesting" }
  | { readonly kind: "tick" }
  | { readonly kind: "message" }
  | { readonly kind: "store"; readonly id: number }
  | { readonly kind: "region" }
  | { readonly kind: "command" }
  | { readonly kind: "crash" }
  | { readonly kind: "partition" }
  | { readonly kind: "help" };

export const keyHelp: readonly { readonly keys: readonly string[]; readonly does: string }[] = [
  { keys: ["Space"], does: "play or pause" },
  { keys: ["→"], does: "next event" },
  { keys: ["←"], does: "previous event" },
  { keys: ["Shift", "→"], does: "on to the next election, crash, answer or violation" },
  { keys: ["T"], does: "tick of the selected store, or of any" },
  { keys: ["M"], does: "deliver the next message" },
  { keys: ["1", "…", "9"], does: "select a store" },
  { keys: ["R"], does: "show the next region" },
  { keys: ["C"], does: "go to the command bar" },
  { keys: ["K"], does: "crash or restart the selected store" },
  { keys: ["P"], does: "partition: draw a line through the picture, or tick who is on which side" },
  { keys: ["Shift", "drag"], does: "draw a partition on the stage" },
  { keys: ["Esc"], does: "select nothing; leave a field, a menu or a dialog" },
  { keys: ["?"], does: "this help" },
];

const typing = "input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]";
const ownArrows = "input[type=range], select, [role=menu], [role=menuitem], [role=slider], [role=listbox]";

/** What a key asks for; null when it belongs to the element it was pressed in. */
export function keyDeed(event: KeyboardEvent, keysOff: boolean): KeyDeed | null {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest(typing) || target?.closest("dialog, [popover]:popover-open")) return null;
  if (keysOff) return null;
  const key = event.key;
  if (key === "ArrowRight" || key === "ArrowLeft") {
    if (target?.closest(ownArrows)) return null;
    if (key === "ArrowLeft") return event.shiftKey ? null : { kind: "previous" };
    return { kind: event.shiftKey ? "interesting" : "next" };
  }
  if (key === " ") {
    // On a button the space bar presses it; on a slider it does nothing of its own.
    return target?.closest("button, a, summary, input:not([type=range]), [role=button]") ? null : { kind: "play" };
  }
  if (/^[1-9]$/.test(key)) return { kind: "store", id: Number(key) };
  switch (key.toLowerCase()) {
    case "t":
      return { kind: "tick" };
    case "m":
      return { kind: "message" };
    case "r":
      return { kind: "region" };
    case "c":
      return { kind: "command" };
    case "k":
      return { kind: "crash" };
    case "p":
      return { kind: "partition" };
    case "?":
      return { kind: "help" };
    default:
      return null;
  }
}
