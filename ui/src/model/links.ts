/** The directions between stores: what of them is cut, clogged or has settings of its own, and what picture they make. */
import { PartitionKind, type Link, type Network } from "../pb/sessionpb/v1/fault_pb";
import type { Config } from "../pb/sessionpb/v1/run_pb";

export interface LinkState {
  readonly from: number;
  readonly to: number;
  readonly cut: boolean;
  readonly clogged: boolean;
  /** In place of every other link's. */
  readonly network: Network | null;
}

export function linkState(config: Config | null, from: number, to: number): LinkState {
  const link = config?.links.find((l) => Number(l.fromStore) === from && Number(l.toStore) === to);
  return { from, to, cut: link?.cut ?? false, clogged: link?.clogged ?? false, network: link?.network ?? null };
}

/** Those that are not like every other. */
export function linkStates(links: readonly Link[]): readonly LinkState[] {
  return links
    .map((l) => ({ from: Number(l.fromStore), to: Number(l.toStore), cut: l.cut, clogged: l.clogged, network: l.network ?? null }))
    .filter((l) => l.cut || l.clogged || l.network !== null);
}

export interface Split {
  readonly kind: PartitionKind;
  /** One-way: the side that is not heard, then the others. Ring: one side, in its order. Bridge: the bridge first. */
  readonly sides: readonly (readonly number[])[];
}

/** The partition that the cut links make; null when they make none that has a name. */
export function splitOf(links: readonly LinkState[], storeIds: readonly number[]): Split | null {
  const cuts = new Set(links.filter((l) => l.cut).map((l) => key(l.from, l.to)));
  if (cuts.size === 0 || storeIds.length < 2) return null;
  const both = (a: number, b: number) => cuts.has(key(a, b)) && cuts.has(key(b, a));
  const open = (a: number, b: number) => !cuts.has(key(a, b)) && !cuts.has(key(b, a));
  return apart(storeIds, both, open) ?? oneWay(storeIds, cuts) ?? ring(storeIds, both, open) ?? bridge(storeIds, both, open);
}

type Test = (a: number, b: number) => boolean;

function apart(storeIds: readonly number[], both: Test, open: Test): Split | null {
  const sides = sidesOf(storeIds, both, open);
  return sides && sides.length > 1 ? { kind: PartitionKind.SYMMETRIC, sides } : null;
}

/** Stores that hear each other, if nobody hears anybody of another side. */
function sidesOf(storeIds: readonly number[], both: Test, open: Test): number[][] | null {
  const sides: number[][] = [];
  for (const id of storeIds) {
    const side = sides.find((s) => open(s[0], id));
    if (side) side.push(id);
    else sides.push([id]);
  }
  const clean = sides.every((side) =>
    side.every((a) => storeIds.every((b) => a === b || (side.includes(b) ? open(a, b) : both(a, b)))),
  );
  return clean ? sides : null;
}

function oneWay(storeIds: readonly number[], cuts: ReadonlySet<number>): Split | null {
  const unheard = storeIds.filter((a) => storeIds.some((b) => cuts.has(key(a, b))));
  const others = storeIds.filter((id) => !unheard.includes(id));
  if (others.length === 0 || storeIds.length < 3 || cuts.size !== unheard.length * others.length) return null;
  const whole = unheard.every((a) => others.every((b) => cuts.has(key(a, b))));
  return whole ? { kind: PartitionKind.ONE_WAY, sides: [unheard, others] } : null;
}

function ring(storeIds: readonly number[], both: Test, open: Test): Split | null {
  if (storeIds.length < 4) return null;
  const order = [storeIds[0]];
  for (;;) {
    const at = order[order.length - 1];
    const near = storeIds.filter((id) => id !== at && open(at, id));
    const far = storeIds.filter((id) => id !== at && both(at, id));
    if (near.length !== 2 || far.length !== storeIds.length - 3) return null;
    const next = near.find((id) => !order.includes(id));
    if (next === undefined) break;
    order.push(next);
  }
  return order.length === storeIds.length ? { kind: PartitionKind.RING, sides: [order] } : null;
}

function bridge(storeIds: readonly number[], both: Test, open: Test): Split | null {
  const middle = storeIds.filter((a) => storeIds.every((b) => a === b || open(a, b)));
  const others = storeIds.filter((id) => !middle.includes(id));
  // Two stores that do not hear each other are a cut link, no more.
  if (middle.length === 0 || others.length < 3) return null;
  const sides = sidesOf(others, both, open);
  return sides && sides.length > 1 ? { kind: PartitionKind.BRIDGE, sides: [middle, ...sides] } : null;
}

function key(a: number, b: number): number {
  return a * 4096 + b;
}
