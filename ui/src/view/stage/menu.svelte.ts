/** The menu of a store, a link or a message on the stage: where it stands, and what comes of it. */
import { tick } from "svelte";
import type { Action } from "../../model/action";
import type { Deed } from "../../model/deeds";
import type { Selection } from "../../model/selection";
import { figureIn } from "./figures";
import type { Point } from "./geometry";

export interface OpenMenu {
  readonly of: Selection;
  readonly title: string;
  /** In the window. */
  readonly x: number;
  readonly y: number;
  readonly opener: Element | null;
}

interface Around {
  element: () => Element | undefined;
  deeds: (of: Selection) => readonly Deed[];
  /** Where the middle of a link is in the window. */
  middleOf: (a: number, b: number) => Point | null;
  onselect: (of: Selection) => void;
  onaction: (action: Action) => void;
  onlink: (from: number, to: number) => void;
  onclosed: () => void;
}

export class StageMenu {
  open = $state.raw<OpenMenu | null>(null);
  readonly #around: Around;

  constructor(around: Around) {
    this.#around = around;
  }

  get deeds(): readonly Deed[] {
    return this.open ? this.#around.deeds(this.open.of) : [];
  }

  /** At a place in the window, unless the figure is elsewhere: a menu key has no place of its own. */
  show = (of: Selection, title: string, x: number, y: number): void => {
    const opener = figureIn(this.#around.element(), of);
    const box = opener?.getBoundingClientRect();
    const middle = of.kind === "link" ? this.#around.middleOf(of.a, of.b) : null;
    const within = box && x >= box.left - 4 && x <= box.right + 4 && y >= box.top - 4 && y <= box.bottom + 4;
    const here = !box || within || (x >= 0 && middle !== null);
    const at = here ? { x, y } : (middle ?? { x: box.left + box.width / 2, y: box.top + box.height / 2 });
    this.#around.onselect(of);
    this.open = { of, title, x: at.x, y: at.y, opener };
  };

  async close(chosen: Deed | null): Promise<void> {
    const opener = this.open?.opener;
    this.open = null;
    if (chosen?.action) this.#around.onaction(chosen.action);
    if (chosen?.asks) {
      this.#around.onlink(chosen.asks.from, chosen.asks.to);
      return;
    }
    await tick();
    if (opener instanceof SVGElement && opener.isConnected) opener.focus({ preventScroll: true });
    this.#around.onclosed();
  }
}
