/** What an action asks of its source: controls follow the source's capabilities, never its kind. */
import type { Action } from "./action";
import { CrashKeeps, CrashMoment } from "../pb/sessionpb/v1/fault_pb";
import { Capability } from "../pb/sessionpb/v1/session_pb";

/** What the source that is shown can do. */
export type Can = (capability: Capability) => boolean;

export type ActionKind = NonNullable<Action["action"]["case"]>;

const needs: Record<ActionKind, Capability> = {
  propose: Capability.PROPOSE,
  crashStore: Capability.CRASH_STORES,
  restartStore: Capability.CRASH_STORES,
  dropMessage: Capability.TOUCH_MESSAGES,
  deliverMessage: Capability.TOUCH_MESSAGES,
  timeOutStore: Capability.TIME_OUT_STORES,
  setElectionTimeout: Capability.TIME_OUT_STORES,
  setNetwork: Capability.CHANGE_NETWORK,
  setDisk: Capability.CHANGE_DISK,
  addStore: Capability.ADD_STORES,
  holdMessage: Capability.TOUCH_MESSAGES,
  releaseMessage: Capability.TOUCH_MESSAGES,
  delayMessage: Capability.TOUCH_MESSAGES,
  duplicateMessage: Capability.TOUCH_MESSAGES,
  setLinks: Capability.CHANGE_LINKS,
  partition: Capability.CHANGE_LINKS,
  setFilters: Capability.TOUCH_MESSAGES,
  failDisk: Capability.FAIL_DISKS,
  corruptDisk: Capability.FAIL_DISKS,
  pauseStore: Capability.PAUSE_STORES,
  resumeStore: Capability.PAUSE_STORES,
  setClock: Capability.CHANGE_CLOCKS,
  setWorkloads: Capability.WORKLOADS,
  heal: Capability.CHANGE_LINKS,
};

/** What it asks beyond that: a source that runs for real cannot do everything with what it has. */
function furtherNeed({ action }: Action): Capability | null {
  switch (action.case) {
    case "crashStore":
      return action.value.moment !== CrashMoment.UNSPECIFIED || action.value.keeps !== CrashKeeps.UNSPECIFIED ? Capability.FAIL_DISKS : null;
    case "restartStore":
      return action.value.wiped ? Capability.FAIL_DISKS : null;
    case "setLinks":
      return action.value.links.some((l) => l.clogged || l.network) ? Capability.CHANGE_NETWORK : null;
    default:
      return null;
  }
}

const cannot: Partial<Record<Capability, string>> = {
  [Capability.PROPOSE]: "commands cannot be sent here",
  [Capability.CRASH_STORES]: "stores cannot be crashed from here",
  [Capability.TOUCH_MESSAGES]: "messages here cannot be touched",
  [Capability.TIME_OUT_STORES]: "timers here cannot be made to fire",
  [Capability.CHANGE_NETWORK]: "the network here cannot be slowed or made to lose",
  [Capability.CHANGE_DISK]: "the disks here cannot be changed",
  [Capability.ADD_STORES]: "no store can be added here",
  [Capability.CHANGE_REGIONS]: "regions cannot be changed here",
  [Capability.CHANGE_LINKS]: "the links here cannot be cut",
  [Capability.FAIL_DISKS]: "the disks here cannot be made to fail or to forget",
  [Capability.PAUSE_STORES]: "stores cannot be paused from here",
  [Capability.CHANGE_CLOCKS]: "the clocks here cannot be changed",
  [Capability.WORKLOADS]: "no clients can be made to work here",
  [Capability.RECOVER]: "whether it would recover cannot be asked here",
};

export function cannotWords(capability: Capability): string {
  return cannot[capability] ?? "this cannot be done here";
}

/** Why an action cannot be asked of a source; empty when it can. */
export function refusalOf(action: Action, can: Can): string {
  if (!action.action.case) return cannotWords(Capability.UNSPECIFIED);
  const lacking = [needs[action.action.case], furtherNeed(action)].find((need) => need !== null && !can(need));
  return lacking ? cannotWords(lacking) : "";
}
