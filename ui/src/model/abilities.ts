/** What an action asks of its source: controls follow the source's capabilities, never its kind. */
import type { Action } from "./action";
import { Capability } from "../pb/sessionpb/v1/session_pb";

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
  setFilters: Capability.CHANGE_LINKS,
  failDisk: Capability.FAIL_DISKS,
  corruptDisk: Capability.FAIL_DISKS,
  pauseStore: Capability.PAUSE_STORES,
  resumeStore: Capability.PAUSE_STORES,
  setClock: Capability.CHANGE_CLOCKS,
  setWorkloads: Capability.WORKLOADS,
  heal: Capability.CHANGE_LINKS,
};

export function capabilityOf(action: Action): Capability {
  return action.action.case ? needs[action.action.case] : Capability.UNSPECIFIED;
}

const cannot: Partial<Record<Capability, string>> = {
  [Capability.PROPOSE]: "commands cannot be sent here",
  [Capability.CRASH_STORES]: "stores cannot be crashed from here",
  [Capability.TOUCH_MESSAGES]: "messages here cannot be touched",
  [Capability.TIME_OUT_STORES]: "timers here cannot be made to fire",
  [Capability.CHANGE_NETWORK]: "the network here cannot be changed",
  [Capability.CHANGE_DISK]: "the disks here cannot be changed",
  [Capability.ADD_STORES]: "no store can be added here",
  [Capability.CHANGE_REGIONS]: "regions cannot be changed here",
  [Capability.CHANGE_LINKS]: "the links here cannot be cut",
  [Capability.FAIL_DISKS]: "the disks here cannot be made to fail",
  [Capability.PAUSE_STORES]: "stores cannot be paused from here",
  [Capability.CHANGE_CLOCKS]: "the clocks here cannot be changed",
  [Capability.WORKLOADS]: "no clients can be made to work here",
};

/** Why an action cannot be asked of a source; empty when it can. */
export function refusalOf(action: Action, can: (capability: Capability) => boolean): string {
  const capability = capabilityOf(action);
  return can(capability) ? "" : (cannot[capability] ?? "this cannot be done here");
}
