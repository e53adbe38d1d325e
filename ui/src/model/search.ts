/** Search in sorted lists. */

/** The index of the first element for which the (monotone) test holds; the length when none. */
export function firstIndexWhere<T>(list: readonly T[], test: (item: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(list[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}
