/** Commands on the clients that work by themselves: clients registers 4, clients bank off, clients off. */
import { WorkloadKind } from "../../pb/sessionpb/v1/fault_pb";
import { listText } from "../text";
import { workloadKinds } from "../workload";
import { workloadWords } from "../words/workload";
import { Wrong, type Token } from "./token";

export interface ClientsCommand {
  /** UNSPECIFIED: of every kind. */
  readonly workload: WorkloadKind;
  readonly clients: number;
}

export const clientsWords: readonly string[] = [...workloadKinds.map((k) => workloadWords[k].name), "off"];

export function clientsCommand(args: readonly Token[], clientsMax: number): ClientsCommand {
  const [first, second] = args.map((t) => t.text.toLowerCase());
  if (first === "off" && args.length === 1) return { workload: WorkloadKind.UNSPECIFIED, clients: 0 };
  const workload = workloadKinds.find((k) => workloadWords[k].name === first);
  if (workload === undefined) {
    const names = listText(workloadKinds.map((k) => workloadWords[k].name));
    throw new Wrong(`Clients work on ${names}, for example: clients registers 4; clients off ends them all`);
  }
  if (args.length > 2) throw new Wrong(`clients ${first} takes a number, for example: clients ${first} 4`);
  if (second === "off") return { workload, clients: 0 };
  const clients = second === undefined ? 1 : /^\d{1,9}$/.test(second) ? Number(second) : NaN;
  if (!(clients <= clientsMax)) {
    throw new Wrong(`The number of clients is a whole number from 0 to ${clientsMax}, not ${args[1].text}`);
  }
  return { workload, clients };
}
