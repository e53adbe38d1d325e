/** The page's colours and text size for what is painted on a canvas, read again when its theme changes. */
import { readPalette, type Palette } from "../diagram/paint";

class CanvasLook {
  palette = $state.raw<Palette | null>(null);
  zoom = $state(1);

  #measure: CanvasRenderingContext2D | null = null;
  #measuredIn = "";
  readonly #widths = new Map<string, number>();

  /** An effect: watches as long as somebody looks. */
  watch(): () => void {
    const root = document.documentElement;
    const read = () => {
      this.palette = readPalette(root);
      this.zoom = Math.max(1, Number.parseFloat(getComputedStyle(root).getPropertyValue("--zoom")) || 1);
    };
    read();
    const observer = new MutationObserver(read);
    observer.observe(root, { attributes: true });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", read);
    return () => {
      observer.disconnect();
      dark.removeEventListener("change", read);
    };
  }

  /** The width of a label in the page's own font. */
  widthOf(text: string): number {
    this.#measure ??= document.createElement("canvas").getContext("2d");
    if (!this.#measure || !this.palette) return text.length * 7.2 * this.zoom;
    const font = `${12 * this.zoom}px ${this.palette.font}`;
    if (this.#measuredIn !== font || this.#widths.size > 5000) this.#widths.clear();
    let width = this.#widths.get(text);
    if (width === undefined) {
      this.#measure.font = this.#measuredIn = font;
      width = this.#measure.measureText(text).width;
      this.#widths.set(text, width);
    }
    return width;
  }

  /** As wide and high as the element, in the screen's own pixels. */
  prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
    const ctx = canvas.getContext("2d");
    if (!ctx) return null;
    const ratio = devicePixelRatio || 1;
    const w = Math.round(width * ratio);
    const h = Math.round(height * ratio);
    if (canvas.width !== w || canvas.height !== h) {
      canvas.width = w;
      canvas.height = h;
    }
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    return ctx;
  }
}

export const canvasLook = new CanvasLook();
