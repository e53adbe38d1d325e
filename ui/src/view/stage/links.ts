/** The faint lines between stores, and how far each bends around those between. */
import { detour, linkPath, type Point } from "./geometry";

export interface Link {
  readonly key: number;
  readonly a: number;
  readonly b: number;
  readonly path: string;
  readonly around: number;
}

export function linkKey(a: number, b: number): number {
  return a * 4096 + b;
}

/** Between every two of the stores that stand at these spots. */
export function linksOf(spots: ReadonlyMap<number, Point>, clear: number, middle: Point): readonly Link[] {
  const all: Link[] = [];
  const list = [...spots];
  for (const [a, from] of list) {
    for (const [b, to] of list) {
      if (a >= b) continue;
      const others = list.filter(([other]) => other !== a && other !== b).map(([, spot]) => spot);
      const around = detour(from, to, others, clear, middle);
      all.push({ key: linkKey(a, b), a, b, path: linkPath(from, to, around), around });
    }
  }
  return all;
}
