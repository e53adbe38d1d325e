/** Clients that work by themselves, in words. */
import { WorkloadKind, type Workload } from "../../pb/sessionpb/v1/fault_pb";
import { listText } from "../text";

export interface WorkloadWords {
  /** As it is typed. */
  readonly name: string;
  readonly does: string;
}

export const workloadWords: Readonly<Record<WorkloadKind, WorkloadWords>> = {
  [WorkloadKind.UNSPECIFIED]: { name: "clients", does: "" },
  [WorkloadKind.REGISTERS]: { name: "registers", does: "write, read, delete and compare single keys" },
  [WorkloadKind.SETS]: { name: "sets", does: "add elements, and read all of a set at once" },
  [WorkloadKind.COUNTERS]: { name: "counters", does: "read, then set to one more if nobody was faster" },
  [WorkloadKind.BANK]: { name: "bank", does: "move money between accounts, and read all accounts at once" },
};

/** "4 on registers and 3 on bank"; "none". */
export function workloadsWords(workloads: readonly Workload[]): string {
  const parts = workloads.filter((w) => w.clients > 0).map((w) => `${w.clients} on ${workloadWords[w.kind].name}`);
  return parts.length > 0 ? listText(parts) : "none";
}
