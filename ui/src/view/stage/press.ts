import type { Attachment } from "svelte/attachments";

const pressMillis = 550;
const slackPx = 10;

/** Calls back when a finger rests on the element: what a right click is for a mouse. */
export function longPress(callback: (x: number, y: number) => void): Attachment<Element> {
  return (element) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let startX = 0;
    let startY = 0;
    const cancel = () => clearTimeout(timer);
    const down = (event: Event) => {
      const pointer = event as PointerEvent;
      if (pointer.pointerType === "mouse") return;
      cancel();
      startX = pointer.clientX;
      startY = pointer.clientY;
      timer = setTimeout(() => callback(startX, startY), pressMillis);
    };
    const move = (event: Event) => {
      const pointer = event as PointerEvent;
      if (Math.hypot(pointer.clientX - startX, pointer.clientY - startY) > slackPx) cancel();
    };
    element.addEventListener("pointerdown", down);
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", cancel);
    element.addEventListener("pointercancel", cancel);
    return () => {
      cancel();
      element.removeEventListener("pointerdown", down);
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerup", cancel);
      element.removeEventListener("pointercancel", cancel);
    };
  };
}
