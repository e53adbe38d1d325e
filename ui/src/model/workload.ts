/** Clients that work by themselves: how many work on what, and how. */
import { clone, create } from "@bufbuild/protobuf";
import { WorkloadKind, WorkloadSchema, type Workload } from "../pb/sessionpb/v1/fault_pb";

export const workloadKinds = [
  WorkloadKind.REGISTERS,
  WorkloadKind.SETS,
  WorkloadKind.COUNTERS,
  WorkloadKind.BANK,
] as const;

/** How the clients of every kind work, as the page lets it be set. */
export interface Manner {
  readonly thinkMicros: number;
  readonly timeoutMicros: number;
  readonly attemptsMax: number;
}

export const mannerDefault: Manner = { thinkMicros: 200_000, timeoutMicros: 1_000_000, attemptsMax: 3 };

/** Few objects and many clients: what happens at the same time is what there is to judge. */
const objectsDefault: Readonly<Record<WorkloadKind, number>> = {
  [WorkloadKind.UNSPECIFIED]: 0,
  [WorkloadKind.REGISTERS]: 3,
  [WorkloadKind.SETS]: 1,
  [WorkloadKind.COUNTERS]: 2,
  [WorkloadKind.BANK]: 1,
};

export function clientsOf(workloads: readonly Workload[], kind: WorkloadKind): number {
  let total = 0;
  for (const w of workloads) if (w.kind === kind) total += w.clients;
  return total;
}

export function clientsTotal(workloads: readonly Workload[]): number {
  let total = 0;
  for (const w of workloads) total += w.clients;
  return total;
}

export function mannerOf(workloads: readonly Workload[]): Manner {
  const [first] = workloads;
  if (!first) return mannerDefault;
  return {
    thinkMicros: Number(first.thinkMicros),
    timeoutMicros: Number(first.timeoutMicros),
    attemptsMax: first.attemptsMax,
  };
}

/** The same workloads with another number of clients on a kind; the others stay as they are. */
export function withClients(workloads: readonly Workload[], kind: WorkloadKind, clients: number): readonly Workload[] {
  const same = workloads.find((w) => w.kind === kind);
  const manner = mannerOf(workloads);
  const changed = same ? clone(WorkloadSchema, same) : workload(kind, manner);
  changed.clients = clients;
  const byKind = workloadKinds.flatMap((k) => {
    if (k === kind) return clients > 0 ? [changed] : [];
    return workloads.filter((w) => w.kind === k);
  });
  return byKind;
}

export function withManner(workloads: readonly Workload[], manner: Manner): readonly Workload[] {
  return workloads.map((w) => ({
    ...clone(WorkloadSchema, w),
    thinkMicros: BigInt(manner.thinkMicros),
    timeoutMicros: BigInt(manner.timeoutMicros),
    attemptsMax: manner.attemptsMax,
  }));
}

function workload(kind: WorkloadKind, manner: Manner): Workload {
  return create(WorkloadSchema, {
    kind,
    objects: objectsDefault[kind],
    thinkMicros: BigInt(manner.thinkMicros),
    timeoutMicros: BigInt(manner.timeoutMicros),
    attemptsMax: manner.attemptsMax,
  });
}
