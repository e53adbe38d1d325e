/** What a store's own clock shows, against true time. */
import type { StoreClock } from "./state";

const trueRate = 1_000_000;

export function localMicros(clock: StoreClock, nowMicros: number): number {
  return clock.localMicros + Math.round(((nowMicros - clock.atMicros) * clock.ratePpm) / trueRate);
}

/** How far it is ahead of true time; negative: behind. */
export function skewMicros(clock: StoreClock, nowMicros: number): number {
  return localMicros(clock, nowMicros) - nowMicros;
}

export function runsTrue(clock: StoreClock): boolean {
  return clock.ratePpm === trueRate && clock.lateMicros === 0;
}

/** "2×", "0.5×". */
export function rateText(ratePpm: number): string {
  return `${Number((ratePpm / trueRate).toFixed(3))}×`;
}
