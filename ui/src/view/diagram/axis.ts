/** Time along the diagram: where a moment stands, and which moments get a label. */

export interface TimeWindow {
  readonly fromMicros: number;
  readonly toMicros: number;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** Room for the lanes' names at the left, the marks' labels at the top, the axis at the bottom. */
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface Tick {
  readonly x: number;
  readonly label: string;
}

export function xOf(frame: Frame, window: TimeWindow, micros: number): number {
  const width = frame.width - frame.left - frame.right;
  return frame.left + ((micros - window.fromMicros) / (window.toMicros - window.fromMicros)) * width;
}

export function timeAt(frame: Frame, window: TimeWindow, x: number): number {
  const width = Math.max(1, frame.width - frame.left - frame.right);
  return window.fromMicros + ((x - frame.left) / width) * (window.toMicros - window.fromMicros);
}

const steps = [1, 2, 5];

/** Round times, at least 88 px apart, in seconds with as many decimals as they need. */
export function ticksOf(window: TimeWindow, frame: Frame): readonly Tick[] {
  const width = frame.width - frame.left - frame.right;
  const span = window.toMicros - window.fromMicros;
  if (width <= 0 || span <= 0) return [];
  const least = (span * 88) / width;
  let step = 1;
  for (let power = 1; step < least; power *= 10) {
    for (const factor of steps) {
      step = factor * power;
      if (step >= least) break;
    }
  }
  const decimals = Math.max(0, 6 - Math.floor(Math.log10(step) + 1e-9));
  const ticks: Tick[] = [];
  for (let t = Math.ceil(window.fromMicros / step) * step; t <= window.toMicros; t += step) {
    ticks.push({ x: xOf(frame, window, t), label: `${(t / 1e6).toFixed(decimals)} s` });
  }
  return ticks;
}
