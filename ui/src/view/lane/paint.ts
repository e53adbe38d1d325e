/** Paints the clients' lane on a canvas. An outcome has a shape and a colour, and each tells alone. */
import type { OperationOutcome } from "../../model/outcome";
import type { Look } from "../diagram/paint";
import { paintPlayhead, paintTicks } from "../time/scale";
import { besideMargin, labelMargin, type Bar, type LaneScene } from "./scene";

export interface LaneLit {
  readonly hovered: number;
  readonly selected: number;
  /** Attempts of the same request as the selected one, or as the one pointed at. */
  readonly request: number;
  readonly pointerX: number | null;
}

export const barHeight = 16;

function colourOf({ palette }: Look, outcome: OperationOutcome): string {
  switch (outcome) {
    case "ok":
      return palette.good;
    case "refused":
      return palette.bad;
    case "unknown":
      return palette.leader;
    case "open":
      return palette.follower;
  }
}

export function paintLane(ctx: CanvasRenderingContext2D, scene: LaneScene, lit: LaneLit, look: Look): void {
  const { frame, playheadX } = scene;
  const right = frame.width - frame.right;
  const bottom = frame.height - frame.bottom;
  ctx.clearRect(0, 0, frame.width, frame.height);
  grid(ctx, scene, look);
  const clip = (x0: number, x1: number, alpha: number) => {
    if (x1 <= x0) return;
    ctx.save();
    ctx.beginPath();
    ctx.rect(x0, frame.top - 2, x1 - x0, bottom - frame.top + 2);
    ctx.clip();
    ctx.globalAlpha = alpha;
    bars(ctx, scene, lit, look);
    ctx.restore();
  };
  const now = Math.max(frame.left, Math.min(right, playheadX + 1));
  clip(frame.left, now, 1);
  // What is known but not played yet.
  clip(now, right, 0.35);
  paintPlayhead(ctx, scene, lit.pointerX, look);
}

function grid(ctx: CanvasRenderingContext2D, scene: LaneScene, look: Look): void {
  const { palette, zoom } = look;
  const { frame } = scene;
  const bottom = frame.height - frame.bottom;
  ctx.save();
  paintTicks(ctx, scene, look);
  ctx.beginPath();
  ctx.rect(0, frame.top - 2, frame.width, bottom - frame.top + 2);
  ctx.clip();
  ctx.textBaseline = "middle";
  ctx.strokeStyle = palette.line;
  for (const row of scene.rows) {
    if (row.top > bottom || row.top + row.height < frame.top) continue;
    const y = Math.round(row.top + row.height) - 0.5;
    ctx.beginPath();
    ctx.moveTo(frame.left, y);
    ctx.lineTo(frame.width - frame.right, y);
    ctx.stroke();
    ctx.font = `${row.worker === 0 ? 600 : 400} ${12 * zoom}px ${palette.font}`;
    ctx.fillStyle = row.worker === 0 ? palette.text : palette.muted;
    ctx.fillText(row.name, 12, row.top + row.height / 2);
  }
  ctx.restore();
}

function bars(ctx: CanvasRenderingContext2D, scene: LaneScene, lit: LaneLit, look: Look): void {
  const { palette, zoom } = look;
  const half = (barHeight * zoom) / 2;
  ctx.lineJoin = "round";
  ctx.lineCap = "round";
  ctx.strokeStyle = palette.muted;
  ctx.lineWidth = 1.25;
  ctx.setLineDash([2, 3]);
  ctx.beginPath();
  for (const retry of scene.retries) {
    ctx.moveTo(retry.x0, retry.y);
    ctx.lineTo(retry.x1, retry.y);
  }
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.font = `${12 * zoom}px ${palette.font}`;
  ctx.textBaseline = "middle";
  for (const bar of scene.bars) one(ctx, scene, bar, half, lit, look);
}

function one(ctx: CanvasRenderingContext2D, scene: LaneScene, bar: Bar, half: number, lit: LaneLit, look: Look): void {
  const { palette } = look;
  const { frame } = scene;
  const colour = colourOf(look, bar.outcome);
  // Nothing outside of the picture: an interval may be far longer than the window.
  const x0 = Math.max(bar.x0, frame.left - 20);
  const x1 = Math.min(bar.x1, frame.width + 20);
  const width = Math.max(2, x1 - x0);
  const top = bar.y - half;
  const alpha = ctx.globalAlpha;
  const radius = Math.min(4, width / 2);
  ctx.beginPath();
  if (bar.outcome === "open") ctx.roundRect(x0, top, width, half * 2, [radius, 0, 0, radius]);
  else ctx.roundRect(x0, top, width, half * 2, radius);
  ctx.fillStyle = colour;
  ctx.globalAlpha = alpha * (bar.outcome === "ok" ? 0.3 : bar.outcome === "open" ? 0.18 : 0.06);
  ctx.fill();
  ctx.globalAlpha = alpha;
  const selected = lit.selected === bar.id;
  const kin = lit.request !== 0 && (bar.span.operation.retryOf || bar.id) === lit.request;
  ctx.strokeStyle = bar.accused ? palette.bad : selected || kin ? palette.text : colour;
  ctx.lineWidth = bar.accused || selected ? 2.25 : lit.hovered === bar.id || kin ? 1.75 : 1;
  if (width > 4 || bar.accused || selected) {
    ctx.setLineDash(bar.outcome === "unknown" && !selected ? [4, 3] : []);
    ctx.stroke();
    ctx.setLineDash([]);
  }
  ends(ctx, bar, x0, x1, half, colour);
  if (bar.accused) flag(ctx, x0, top, look);
  if (!bar.label) return;
  ctx.fillStyle = bar.beside ? palette.muted : palette.text;
  const from = bar.beside ? bar.x1 + besideMargin : Math.max(bar.x0, frame.left) + labelMargin;
  ctx.fillText(bar.label, from, bar.y + 0.5);
}

/** Done is a heavy end, refused a cross, unknown an open ring, and what waits has no end. */
function ends(ctx: CanvasRenderingContext2D, bar: Bar, x0: number, x1: number, half: number, colour: string): void {
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = 1.75;
  ctx.beginPath();
  switch (bar.outcome) {
    case "ok":
      ctx.rect(x1 - 2.5, bar.y - half, 2.5, half * 2);
      ctx.fill();
      return;
    case "refused": {
      const arm = Math.min(4, half - 2);
      ctx.moveTo(x1 - arm, bar.y - arm);
      ctx.lineTo(x1 + arm, bar.y + arm);
      ctx.moveTo(x1 - arm, bar.y + arm);
      ctx.lineTo(x1 + arm, bar.y - arm);
      ctx.stroke();
      return;
    }
    case "unknown":
      ctx.arc(x1, bar.y, 4, 0, 2 * Math.PI);
      ctx.stroke();
      return;
    case "open":
      ctx.moveTo(x0, bar.y - half);
      ctx.lineTo(x0, bar.y + half);
      ctx.stroke();
  }
}

/** On what fits in no order. */
function flag(ctx: CanvasRenderingContext2D, x: number, top: number, { palette }: Look): void {
  ctx.fillStyle = palette.bad;
  ctx.beginPath();
  ctx.moveTo(x - 5, top - 3);
  ctx.lineTo(x + 5, top - 3);
  ctx.lineTo(x, top + 5);
  ctx.fill();
}
