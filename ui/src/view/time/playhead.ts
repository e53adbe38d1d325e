/** Paints, over a picture along the time, where time stands and where the pointer is. */
import type { Frame } from "../diagram/axis";
import type { Look } from "../diagram/paint";

export function paintPlayhead(
  ctx: CanvasRenderingContext2D,
  { frame, playheadX }: { readonly frame: Frame; readonly playheadX: number },
  pointerX: number | null,
  { palette, zoom }: Look,
): void {
  const bottom = frame.height - frame.bottom;
  if (pointerX !== null && pointerX >= frame.left) {
    ctx.strokeStyle = palette.muted;
    ctx.lineWidth = 1;
    ctx.setLineDash([2, 3]);
    ctx.beginPath();
    ctx.moveTo(Math.round(pointerX) + 0.5, frame.top - 6);
    ctx.lineTo(Math.round(pointerX) + 0.5, bottom);
    ctx.stroke();
    ctx.setLineDash([]);
  }
  if (playheadX < frame.left - 1 || playheadX > frame.width - frame.right + 8) return;
  ctx.strokeStyle = palette.text;
  ctx.fillStyle = palette.text;
  ctx.lineWidth = 1.75;
  ctx.beginPath();
  ctx.moveTo(playheadX, 6);
  ctx.lineTo(playheadX, bottom + 4);
  ctx.stroke();
  ctx.beginPath();
  ctx.arc(playheadX, 6, 4 * Math.min(1.3, zoom), 0, 2 * Math.PI);
  ctx.fill();
}
