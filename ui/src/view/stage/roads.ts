/** The roads that messages take, each made when the first one takes it. */
import { along, road, type Point, type Road } from "./geometry";
import { linkKey, middleRoad, type Link } from "./links";

export class Roads {
  readonly #spots: ReadonlyMap<number, Point>;
  readonly #bends: ReadonlyMap<number, number>;
  readonly #edge: number;
  readonly #scale: number;
  readonly #middle: Point;
  readonly #made = new Map<number, Road>();

  /** edge: how far from a store's middle its roads begin; middle: that of the stage. */
  constructor(spots: ReadonlyMap<number, Point>, links: readonly Link[], edge: number, scale: number, middle: Point) {
    this.#spots = spots;
    this.#bends = new Map(links.map((l) => [l.key, l.around]));
    this.#edge = edge;
    this.#scale = scale;
    this.#middle = middle;
  }

  between(from: number, to: number, lane = 0): Road {
    const key = (from * 4096 + to) * 16 + lane;
    let known = this.#made.get(key);
    if (!known) {
      const bend = from < to ? this.#bends.get(linkKey(from, to)) : -(this.#bends.get(linkKey(to, from)) ?? 0);
      const at = (store: number) => this.#spots.get(store) ?? this.#middle;
      known = road(at(from), at(to), this.#edge, lane * this.#scale, bend);
      this.#made.set(key, known);
    }
    return known;
  }
}

/** The middle of a link that is drawn. */
export function linkMiddle(links: readonly Link[], spots: ReadonlyMap<number, Point>, a: number, b: number, edge: number): Point | null {
  const link = links.find((l) => l.a === a && l.b === b);
  const from = spots.get(a);
  const to = spots.get(b);
  return link && from && to ? along(middleRoad(from, to, edge, link.around), 0.5) : null;
}
