/** Paints what every picture along time has: the seconds behind it, and over it where time stands and where the pointer is. */
import type { Frame, Tick } from "../diagram/axis";
import type { Look } from "../diagram/paint";

export function paintTicks(
  ctx: CanvasRenderingContext2D,
  { frame, ticks }: { readonly frame: Frame; readonly ticks: readonly Tick[] },
  { palette, zoom, toolsWidth }: Look,
): void {
  const bottom = frame.height - frame.bottom;
  ctx.font = `${12 * zoom}px ${palette.mono}`;
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "left";
  ctx.lineWidth = 1;
  ctx.strokeStyle = palette.line;
  ctx.fillStyle = palette.muted;
  for (const tick of ticks) {
    const x = Math.round(tick.x) + 0.5;
    if (x < frame.left) continue;
    ctx.globalAlpha = 0.6;
    ctx.beginPath();
    ctx.moveTo(x, frame.top - 4);
    ctx.lineTo(x, bottom + 4);
    ctx.stroke();
    ctx.globalAlpha = 1;
    // The zoom buttons stand at the end of the axis.
    if (x + 4 + tick.label.length * 7.3 * zoom <= frame.width - toolsWidth) ctx.fillText(tick.label, x + 4, bottom + 14 * zoom);
  }
}

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
