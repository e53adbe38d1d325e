/** Hands on a picture of time: a click is a click, a drag pans, wheel and pinch zoom. */
import { timeAt, type Frame } from "../diagram/axis";
import type { TimeView } from "./view.svelte";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Held {
  readonly view: TimeView;
  element(): Element | undefined;
  frame(): Frame;
  click(at: Point): void;
  /** The picture may be higher than its frame: then the wheel alone belongs to it. */
  scrolls?(): boolean;
}

export class Hands {
  /** Where a mouse points; null when it does not. */
  pointer = $state.raw<Point | null>(null);
  dragging = $state(false);

  readonly #held: Held;
  readonly #touches = new Map<number, Point>();
  #pressed: { x: number; end: number; moved: boolean } | null = null;
  #pinch: { distance: number; span: number; at: number } | null = null;

  constructor(held: Held) {
    this.#held = held;
  }

  place(event: PointerEvent | WheelEvent): Point {
    const box = this.#held.element()?.getBoundingClientRect();
    return { x: event.clientX - (box?.left ?? 0), y: event.clientY - (box?.top ?? 0) };
  }

  down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const at = this.place(event);
    const { view } = this.#held;
    this.#touches.set(event.pointerId, at);
    if (this.#touches.size === 2) {
      const [a, b] = [...this.#touches.values()];
      const middle = timeAt(this.#held.frame(), view.window, (a.x + b.x) / 2);
      this.#pinch = { distance: Math.max(8, Math.abs(a.x - b.x)), span: view.span, at: middle };
      this.#pressed = null;
    } else {
      this.#pressed = { x: at.x, end: view.end, moved: false };
    }
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
  };

  move = (event: PointerEvent): void => {
    const at = this.place(event);
    const { view } = this.#held;
    if (this.#touches.has(event.pointerId)) this.#touches.set(event.pointerId, at);
    if (this.#pinch && this.#touches.size === 2) {
      const [a, b] = [...this.#touches.values()];
      const wanted = (this.#pinch.span * this.#pinch.distance) / Math.max(8, Math.abs(a.x - b.x));
      view.zoom(wanted / view.span, this.#pinch.at);
      return;
    }
    if (this.#pressed) {
      const dx = at.x - this.#pressed.x;
      if (!this.#pressed.moved && Math.abs(dx) > 4) {
        this.#pressed.moved = true;
        this.dragging = true;
      }
      if (this.#pressed.moved) {
        const frame = this.#held.frame();
        const micros = view.span / Math.max(1, frame.width - frame.left - frame.right);
        view.dragTo(this.#pressed.end - dx * micros);
        return;
      }
    }
    if (event.pointerType === "mouse" || this.#pressed) this.pointer = at;
  };

  up = (event: PointerEvent): void => {
    const at = this.place(event);
    const clicked = this.#pressed && !this.#pressed.moved && this.#touches.size === 1;
    this.#touches.delete(event.pointerId);
    if (this.#touches.size < 2) this.#pinch = null;
    this.#pressed = null;
    this.dragging = false;
    if (clicked && event.type === "pointerup" && at.x >= this.#held.frame().left - 8) this.#held.click(at);
    if (event.pointerType !== "mouse") this.leave();
  };

  leave = (): void => {
    this.pointer = null;
  };

  /** Listens itself, because the page must not scroll along. */
  listen(node: Element): () => void {
    node.addEventListener("wheel", this.#wheel as EventListener, { passive: false });
    return () => node.removeEventListener("wheel", this.#wheel as EventListener);
  }

  #wheel = (event: WheelEvent): void => {
    const { view } = this.#held;
    const frame = this.#held.frame();
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (!sideways && !event.ctrlKey && this.#held.scrolls?.()) return;
    event.preventDefault();
    if (sideways) {
      view.dragTo(view.end + (event.deltaX * view.span) / frame.width);
      return;
    }
    const notch = Math.max(-60, Math.min(60, event.deltaY * (event.deltaMode === 1 ? 16 : 1)));
    view.zoom(Math.exp(notch * 0.004), timeAt(frame, view.window, this.place(event).x));
  };
}
