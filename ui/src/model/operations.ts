/** Every operation that is known: those of the stretch that the page remembers, and those that were judged before it. */
import type { OperationSpan } from "./history";
import { firstIndexWhere } from "./search";
import type { Operation } from "./state";

/** Ascending by start. What is remembered is newer than what was judged. */
export function operationsKnown(remembered: readonly OperationSpan[], judged: ReadonlyMap<number, Operation>): readonly OperationSpan[] {
  if (judged.size === 0) return remembered;
  const held = (id: number) => remembered[firstIndexWhere(remembered, (o) => o.id >= id)]?.id === id;
  const older: OperationSpan[] = [];
  const firstId = remembered[0]?.id ?? Infinity;
  for (const [id, operation] of judged) {
    // Those of a branch that was left are not of this history.
    if (id < firstId && !held(id)) older.push({ id, operation, startedSeq: 0, endedSeq: 0 });
  }
  if (older.length === 0) return remembered;
  return [...older, ...remembered].sort((a, b) => a.id - b.id);
}
