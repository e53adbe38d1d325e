/** Paints a scene on a canvas. Colours are the page's own, read from its custom properties. */
import type { Tint } from "../stage/flight";
import { paintPlayhead, paintTicks } from "../time/scale";
import type { MarkTone } from "./marks";
import type { LaneTone, Line, Scene } from "./scene";

export type Palette = Readonly<Record<(typeof names)[number], string>>;

const names = [
  "panel",
  "raised",
  "line",
  "line-strong",
  "text",
  "muted",
  "faint",
  "leader",
  "follower",
  "candidate",
  "pre-candidate",
  "learner",
  "down",
  "bad",
  "good",
  "focus",
  "append",
  "response",
  "vote",
  "snapshot",
  "heartbeat",
  "font",
  "mono",
] as const;

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  return Object.fromEntries(names.map((n) => [n, style.getPropertyValue(`--${n}`).trim()])) as Palette;
}

/** What is pointed at, drawn stronger. */
export interface Lit {
  readonly messages: ReadonlySet<number>;
  readonly selectedMessage: number;
  readonly storeId: number;
  /** The event pointed at. */
  readonly event: { readonly x: number; readonly y: number } | null;
  /** The hairline under the pointer. */
  readonly pointerX: number | null;
  /** Stores that a violation names. */
  readonly accused: readonly number[];
}

export interface Look {
  /** What stands at the end of the axis: the buttons for zoom and following. */
  readonly toolsWidth: number;
  readonly palette: Palette;
  readonly zoom: number;
}

const lineTints: readonly Tint[] = ["heartbeat", "other", "append", "response", "vote", "snapshot"];

function tintColour(palette: Palette, tint: Tint): string {
  return tint === "other" ? palette.faint : palette[tint];
}

function markColour(palette: Palette, tone: MarkTone): string {
  return tone === "quiet" ? palette.muted : palette[tone];
}

export function paint(ctx: CanvasRenderingContext2D, scene: Scene, lit: Lit, look: Look): void {
  const { frame, playheadX } = scene;
  const right = frame.width - frame.right;
  ctx.clearRect(0, 0, frame.width, frame.height);
  grid(ctx, scene, look);

  const clip = (x0: number, x1: number, alpha: number) => {
    if (x1 <= x0) return;
    ctx.save();
    ctx.beginPath();
    ctx.rect(x0, 0, x1 - x0, frame.height);
    ctx.clip();
    ctx.globalAlpha = alpha;
    body(ctx, scene, lit, look, alpha);
    ctx.restore();
  };
  const now = Math.max(frame.left, Math.min(right, playheadX));
  clip(frame.left - 1, now, 1);
  // What is known but not played yet.
  if (scene.knownX > playheadX + 0.5) clip(now, right, 0.3);

  paintPlayhead(ctx, scene, lit.pointerX, look);
  points(ctx, scene, lit, look);
  laneNames(ctx, scene, lit, look);
}

function grid(ctx: CanvasRenderingContext2D, scene: Scene, look: Look): void {
  const { palette } = look;
  const { frame } = scene;
  paintTicks(ctx, scene, look);
  // Every lane goes on, faintly, to where nothing is known yet.
  ctx.strokeStyle = palette.line;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  for (const lane of scene.lanes) {
    ctx.moveTo(frame.left, lane.y);
    ctx.lineTo(frame.width - frame.right, lane.y);
  }
  ctx.stroke();
}

function body(ctx: CanvasRenderingContext2D, scene: Scene, lit: Lit, look: Look, alpha: number): void {
  verticals(ctx, scene, look);
  lanes(ctx, scene, lit, look);
  flights(ctx, scene, lit, look, alpha);
}

function laneColour(palette: Palette, tone: LaneTone): string {
  if (tone === "paused") return palette.text;
  return tone === "waiting" ? palette.snapshot : palette[tone];
}

const laneDashes: Partial<Record<LaneTone, number[]>> = {
  down: [2, 5],
  "pre-candidate": [3, 1.5],
  learner: [9, 4],
  waiting: [2, 4],
  paused: [1.5, 4],
};

const toneOrder: readonly LaneTone[] = ["follower", "learner", "waiting", "pre-candidate", "candidate", "leader", "paused", "down"];

function lanes(ctx: CanvasRenderingContext2D, scene: Scene, lit: Lit, { palette }: Look): void {
  ctx.lineCap = "butt";
  for (const tone of toneOrder) {
    for (const lane of scene.lanes) {
      ctx.beginPath();
      let any = false;
      for (const segment of lane.segments) {
        if (segment.tone !== tone) continue;
        any = true;
        ctx.moveTo(segment.x0, lane.y);
        // However short, a role is seen.
        ctx.lineTo(Math.max(segment.x1, segment.x0 + 1.5), lane.y);
      }
      if (!any) continue;
      ctx.strokeStyle = laneColour(palette, tone);
      const heavier = lit.storeId === lane.storeId ? 2 : 0;
      ctx.lineWidth = (tone === "down" || tone === "waiting" ? 2 : tone === "leader" ? 6 : 4.5) + heavier;
      ctx.setLineDash(laneDashes[tone] ?? []);
      ctx.stroke();
    }
  }
  ctx.setLineDash([]);
}

function flights(ctx: CanvasRenderingContext2D, scene: Scene, lit: Lit, { palette }: Look, alpha: number): void {
  const strong: Line[] = [];
  const some = lit.messages.size > 0;
  ctx.lineCap = "round";
  for (const tint of lineTints) {
    const colour = tintColour(palette, tint);
    const path = new Path2D();
    const dashes = new Path2D();
    const dots = new Path2D();
    let any = false;
    for (const line of scene.lines) {
      if (line.tint !== tint) continue;
      if (lit.messages.has(line.id) || lit.selectedMessage === line.id) {
        strong.push(line);
        continue;
      }
      any = true;
      const to = line.dashed ? dashes : path;
      to.moveTo(line.x0, line.y0);
      for (const { x, y } of line.via) to.lineTo(x, y);
      to.lineTo(line.x1, line.y1);
      if (!line.thin && line.end === "arrived") {
        dots.moveTo(line.x1 + 2.2, line.y1);
        dots.arc(line.x1, line.y1, 2.2, 0, 2 * Math.PI);
      }
    }
    if (!any) continue;
    const thin = tint === "heartbeat";
    ctx.globalAlpha = alpha * (some ? 0.4 : 1) * (thin ? 0.42 : 0.9);
    ctx.strokeStyle = colour;
    ctx.fillStyle = colour;
    ctx.lineWidth = thin ? 0.8 : 1.4;
    ctx.stroke(path);
    ctx.setLineDash([3, 3]);
    ctx.stroke(dashes);
    ctx.setLineDash([]);
    ctx.fill(dots);
  }
  ctx.globalAlpha = alpha;
  for (const line of strong) {
    const selected = line.id === lit.selectedMessage;
    ctx.strokeStyle = tintColour(palette, line.tint);
    ctx.fillStyle = ctx.strokeStyle;
    ctx.lineWidth = selected ? 3 : 2.4;
    ctx.beginPath();
    ctx.moveTo(line.x0, line.y0);
    for (const { x, y } of line.via) ctx.lineTo(x, y);
    ctx.lineTo(line.x1, line.y1);
    ctx.stroke();
    ctx.beginPath();
    ctx.arc(line.x1, line.y1, selected ? 4.5 : 3.5, 0, 2 * Math.PI);
    ctx.fill();
  }
  // Flying heads and lost ends.
  const crosses = new Path2D();
  for (const line of scene.lines) {
    if (line.end === "lost") {
      const arm = line.thin ? 2.5 : 3.5;
      crosses.moveTo(line.x1 - arm, line.y1 - arm);
      crosses.lineTo(line.x1 + arm, line.y1 + arm);
      crosses.moveTo(line.x1 - arm, line.y1 + arm);
      crosses.lineTo(line.x1 + arm, line.y1 - arm);
    } else if (line.end === "flying") {
      ctx.fillStyle = tintColour(palette, line.tint);
      ctx.beginPath();
      ctx.arc(line.x1, line.y1, line.thin ? 1.8 : 3.2, 0, 2 * Math.PI);
      ctx.fill();
    }
  }
  ctx.strokeStyle = palette.bad;
  ctx.lineWidth = 1.5;
  ctx.stroke(crosses);
}

function verticals(ctx: CanvasRenderingContext2D, scene: Scene, { palette }: Look): void {
  const { frame } = scene;
  const bottom = frame.height - frame.bottom;
  for (const mark of scene.marks) {
    const x = Math.round(mark.x) + 0.5;
    ctx.strokeStyle = markColour(palette, mark.tone);
    ctx.lineWidth = 1.25;
    ctx.setLineDash(mark.dashed ? [4, 4] : []);
    const before = ctx.globalAlpha;
    ctx.globalAlpha = before * (mark.tone === "bad" ? 0.9 : 0.5);
    ctx.beginPath();
    ctx.moveTo(x, 5);
    ctx.lineTo(x, bottom + 2);
    ctx.stroke();
    ctx.globalAlpha = before;
  }
  ctx.setLineDash([]);
}

/** Marks, commits and their labels, which may stand across the playhead. */
function points(ctx: CanvasRenderingContext2D, scene: Scene, lit: Lit, { palette, zoom }: Look): void {
  const { frame, playheadX } = scene;
  const dim = (x: number) => (x <= playheadX + 0.5 ? 1 : 0.5);
  ctx.textAlign = "left";
  ctx.lineJoin = "round";
  ctx.font = `${12 * zoom}px ${palette.font}`;
  for (const mark of scene.marks) {
    const colour = markColour(palette, mark.tone);
    ctx.globalAlpha = dim(mark.x);
    if (mark.y !== null) {
      ctx.fillStyle = colour;
      ctx.strokeStyle = palette.panel;
      ctx.lineWidth = 2;
      ctx.beginPath();
      ctx.arc(mark.x, mark.y, 5, 0, 2 * Math.PI);
      ctx.fill();
      ctx.stroke();
    }
    if (mark.labelX !== null) {
      ctx.fillStyle = colour;
      ctx.strokeStyle = palette.panel;
      ctx.lineWidth = 4;
      ctx.strokeText(mark.label, mark.labelX, 13 * zoom);
      ctx.fillText(mark.label, mark.labelX, 13 * zoom);
    }
  }
  // Commits: a notch under the lane, with the index.
  ctx.font = `${12 * zoom}px ${palette.mono}`;
  for (const commit of scene.commits) {
    ctx.globalAlpha = dim(commit.x);
    ctx.fillStyle = palette.good;
    ctx.beginPath();
    ctx.moveTo(commit.x - 3.5, commit.y + 9);
    ctx.lineTo(commit.x + 3.5, commit.y + 9);
    ctx.lineTo(commit.x, commit.y + 3.5);
    ctx.fill();
    if (commit.label) {
      const y = commit.y + 4 + 11 * zoom;
      ctx.strokeStyle = palette.panel;
      ctx.lineWidth = 4;
      ctx.strokeText(commit.label, commit.x + 6, y);
      ctx.fillText(commit.label, commit.x + 6, y);
    }
  }
  ctx.globalAlpha = 1;
  const at = lit.event;
  if (at && at.x >= frame.left) {
    ctx.strokeStyle = palette.text;
    ctx.lineWidth = 2;
    ctx.beginPath();
    ctx.arc(at.x, at.y, 8, 0, 2 * Math.PI);
    ctx.stroke();
  }
}

function laneNames(ctx: CanvasRenderingContext2D, scene: Scene, lit: Lit, { palette, zoom }: Look): void {
  const { playheadX } = scene;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.font = `600 ${12 * zoom}px ${palette.font}`;
  for (const lane of scene.lanes) {
    // In the colour of the role it has now.
    let tone: LaneTone | null = null;
    for (const segment of lane.segments) {
      if (tone === null || segment.x0 <= playheadX + 0.5) tone = segment.tone;
    }
    // A store without a peer of the region has no role in it.
    ctx.fillStyle = tone === null ? palette.muted : laneColour(palette, tone);
    if (lit.storeId === lane.storeId) {
      ctx.fillStyle = palette.text;
    }
    ctx.fillText(`S${lane.storeId}`, 14, lane.y + 0.5);
    if (lit.accused.includes(lane.storeId)) {
      ctx.fillStyle = palette.bad;
      ctx.beginPath();
      ctx.moveTo(2, lane.y - 6);
      ctx.lineTo(10, lane.y);
      ctx.lineTo(2, lane.y + 6);
      ctx.fill();
    }
  }
  ctx.textBaseline = "alphabetic";
}
