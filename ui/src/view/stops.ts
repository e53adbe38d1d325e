/** Where a slider over many magnitudes rests: 1, 2, 3, 5, 7.5 times each power of ten. */
export function stopsFor(min: number, max: number): number[] {
  const stops = [min];
  for (let power = 100; power <= max; power *= 10) {
    for (const factor of [1, 2, 3, 5, 7.5]) {
      const stop = power * factor;
      if (stop > min && stop < max) stops.push(stop);
    }
  }
  if (max > min) stops.push(max);
  return stops;
}

/** The index of the stop nearest to a value. */
export function nearestStop(stops: readonly number[], value: number): number {
  let best = 0;
  for (let at = 1; at < stops.length; at++) {
    if (Math.abs(stops[at] - value) < Math.abs(stops[best] - value)) best = at;
  }
  return best;
}
