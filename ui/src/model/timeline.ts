/** Where a viewer stands: the cluster now, the remembered stretch, and the branches. A frame leads to the next one. */
import type { Branch, Frame, Hello, Status } from "../pb/sessionpb/v1/session_pb";
import { followAlarms, noAlarms, type Alarms } from "./alarms";
import { fold, fromKeyframe } from "./fold";
import { cut, extend, firstSeq, lastSeq, startHistory, type History } from "./history";
import { withLegs } from "./history/flight";
import { noCluster, type Cluster } from "./state";

export interface Timeline {
  readonly hello: Hello | null;
  readonly cluster: Cluster;
  readonly history: History;
  readonly alarms: Alarms;
  readonly status: Status | null;
  readonly branches: readonly Branch[];
  /** The most steps seen on this branch: fewer now means standing in the past. */
  readonly headSteps: number;
  /** Which run it is, counted from 0: what was found out of one says nothing of another. */
  readonly runs: number;
}

export const noTimeline: Timeline = {
  hello: null,
  cluster: noCluster,
  history: startHistory(noCluster),
  alarms: noAlarms,
  status: null,
  branches: [],
  headSteps: 0,
  runs: 0,
};

/**
 * asked: a reset was asked for; when a run begins in this frame, nothing held before belongs to it. whole: the state that
 * the frame's events follow, in place of a keyframe.
 */
export function follow(timeline: Timeline, frame: Frame, asked: boolean, whole?: Cluster): Timeline {
  const reset = asked && (whole !== undefined || frame.keyframe !== undefined || frame.events[0]?.seq === 1n);
  const branches = frame.branchList?.branches ?? timeline.branches;
  const status = frame.status ?? timeline.status;
  let { cluster, history } = timeline;
  if (reset) {
    cluster = noCluster;
    history = startHistory(noCluster);
  }
  const before = timeline.status?.branchId ?? 0;
  const now = status?.branchId ?? 0;
  // Up to here the held events belong to the branch as well.
  const sharedSeq = reset || before === now ? Infinity : commonSeq(branches, before, now);
  const at = whole ?? (frame.keyframe ? fromKeyframe(frame.keyframe) : null);
  if (at) {
    history = joined(history, at, sharedSeq);
    cluster = withLegs(at, history.flights);
    if (history.end === at) history = { ...history, end: cluster };
  } else if (sharedSeq !== Infinity) {
    history = cut(history, cluster);
  }
  if (frame.events.length > 0) {
    const inStep = cluster.seq === lastSeq(history);
    history = extend(history, frame.events);
    if (inStep) {
      cluster = history.end;
    } else {
      for (const event of frame.events) cluster = fold(cluster, event);
      if (cluster.seq === lastSeq(history)) cluster = history.end;
    }
  }
  const alarms = followAlarms(reset ? noAlarms : timeline.alarms, frame, sharedSeq);
  const steps = Number(status?.steps ?? 0n);
  const headSteps = sharedSeq === Infinity && !reset ? Math.max(timeline.headSteps, steps) : steps;
  return { hello: frame.hello ?? timeline.hello, cluster, history, alarms, status, branches, headSteps, runs: timeline.runs + (reset ? 1 : 0) };
}

/** The history as it goes on from a keyframe: kept where it reaches the keyframe, begun anew where it does not. */
function joined(history: History, at: Cluster, sharedSeq: number): History {
  const reaches = at.seq >= firstSeq(history) - 1 && at.seq <= lastSeq(history) && lastSeq(history) > 0;
  if (!reaches || at.seq > sharedSeq) return startHistory(at);
  return sharedSeq === Infinity ? history : cut(history, at);
}

/** The last event that two branches share. */
export function commonSeq(branches: readonly Branch[], a: number, b: number): number {
  const ofA = ancestry(branches, a);
  let seq = Infinity;
  for (let branch = branches.find((x) => x.id === b); branch; branch = branches.find((x) => x.id === branch!.parentId)) {
    const met = ofA.get(branch.id);
    if (met !== undefined) return Math.min(seq, met);
    seq = Math.min(seq, Number(branch.forkSeq));
    if (branch.parentId === branch.id) break;
  }
  return 0;
}

/** Each branch that a stands on, with the last event a shares with it. */
function ancestry(branches: readonly Branch[], a: number): Map<number, number> {
  const shared = new Map<number, number>();
  let seq = Infinity;
  for (let branch = branches.find((x) => x.id === a); branch; branch = branches.find((x) => x.id === branch!.parentId)) {
    if (shared.has(branch.id)) break;
    shared.set(branch.id, seq);
    seq = Math.min(seq, Number(branch.forkSeq));
  }
  return shared;
}
