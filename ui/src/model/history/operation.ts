/** What clients asked, each from its start to its answer. */
import type { RaftCommandResponse } from "../../pb/raftcmdpb/v1/raftcmdpb_pb";
import { firstIndexWhere } from "../search";
import type { Operation } from "../state";

/** An operation as an interval: from its start to its answer. */
export interface OperationSpan {
  readonly id: number;
  readonly operation: Operation;
  readonly startedSeq: number;
  /** 0 while it waits for its answer. */
  readonly endedSeq: number;
}

/** Of an operation of a whole state, which holds those that are answered, too. */
export function spanOf(operation: Operation, seq: number): OperationSpan {
  return { id: operation.id, operation, startedSeq: seq, endedSeq: operation.response ? seq : 0 };
}

/** The operations as they were known at an event. */
export function operationsAt(operations: readonly OperationSpan[], seq: number): readonly OperationSpan[] {
  return operations.filter((o) => o.startedSeq <= seq).map((o) => (o.endedSeq > seq ? unanswered(o) : o));
}

/** As it was while it waited. */
function unanswered(span: OperationSpan): OperationSpan {
  return { ...span, operation: { ...span.operation, response: null, endedMicros: 0 }, endedSeq: 0 };
}

/** Operations while events are added to them. */
export class OperationDraft {
  #operations: OperationSpan[];

  constructor(operations: readonly OperationSpan[]) {
    this.#operations = operations.slice();
  }

  get operations(): readonly OperationSpan[] {
    return this.#operations;
  }

  start(operation: Operation, seq: number): void {
    this.#operations.push({ id: operation.id, operation, startedSeq: seq, endedSeq: 0 });
  }

  answer(id: number, response: RaftCommandResponse | null, endedMicros: number, endedSeq: number): void {
    const at = firstIndexWhere(this.#operations, (o) => o.id >= id);
    const span = this.#operations[at];
    if (span?.id !== id) return;
    this.#operations[at] = { ...span, operation: { ...span.operation, response, endedMicros }, endedSeq };
  }

  /** Drops those that were answered before an event. */
  forget(seq: number): void {
    this.#operations = this.#operations.filter((o) => o.endedSeq === 0 || o.endedSeq >= seq);
  }
}
