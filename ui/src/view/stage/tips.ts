/** The words of the stage's tooltips. */
import { Role } from "../../pb/sessionpb/v1/event_pb";
import { rateText, skewMicros } from "../../model/clock";
import { isLearner, majorities, type Half, type Majority } from "../../model/members";
import type { Message, Peer, SnapshotTransfer, Store, StoreClock } from "../../model/state";
import { durationText, sizeText } from "../../model/text";
import { clockWords, crashArmedWords, diskFaultWords, holdReasonWords, messageDetail } from "../../model/words";
import { HoldReason } from "../../pb/sessionpb/v1/event_pb";
import { CrashMoment, DiskFault } from "../../pb/sessionpb/v1/fault_pb";

export function messageLines(message: Message, nowMicros: number): readonly string[] {
  const detail = messageDetail(message);
  const held = message.held !== HoldReason.UNSPECIFIED;
  const late = message.late ? ", delayed" : "";
  const arrives = held ? holdReasonWords(message) : `arrives in ${durationText(Math.max(0, message.dueMicros - nowMicros))}${late}`;
  const term = `term ${message.term}`;
  const copy = message.copyOf > 0 ? [`copy of message ${message.copyOf}`] : [];
  return [...copy, detail, detail.includes(term) ? arrives : `${term} · ${arrives}`];
}

/** What is wrong, or will be, with a store's disk. */
export function faultWordsOf(store: Store): readonly string[] {
  return [
    ...(store.diskFault !== DiskFault.UNSPECIFIED ? [diskFaultWords("its", store.diskFault)] : []),
    ...(store.crashMoment !== CrashMoment.UNSPECIFIED ? [crashArmedWords("it", store.crashKeeps)] : []),
  ];
}

export function storeLines(store: Store, peer: Peer | undefined, regionId: number, nowMicros: number): readonly string[] {
  if (!store.up) return [store.stoppedReason || "Its process is gone; its disk keeps what was synced.", ...faultWordsOf(store)];
  const odd = [...(store.paused ? ["paused: it neither ticks nor hears nor answers"] : []), ...faultWordsOf(store)];
  const clock = clockWords(store.clock, nowMicros);
  if (clock !== "") odd.push(`its clock ${clock.startsWith("runs") || clock.startsWith("ticks") ? clock : `is ${clock}`}`);
  if (!peer) {
    const others = store.peers.length;
    return [others === 0 ? "It holds no data: add it to a region." : `It is no member of region ${regionId}, but of ${others} ${others === 1 ? "other" : "others"}.`];
  }
  if (peer.uninitialized) return ["It knows its region only by name: the leader has to send it a snapshot."];
  const lines: string[] = odd;
  const { elapsedTicks, timeoutTicks } = peer.timer;
  if (isLearner(peer)) lines.push("a learner: it follows, but has no vote");
  else lines.push(`${peer.role === Role.LEADER ? "quorum check" : "election timer"} at ${elapsedTicks} of ${timeoutTicks} ticks`);
  if (peer.role === Role.CANDIDATE || peer.role === Role.PRE_CANDIDATE) {
    lines.push(votesWords(majorities(peer.region, peer.votes), peer.role === Role.PRE_CANDIDATE));
  }
  if (peer.vote > 0) lines.push(`voted for S${peer.vote} in term ${peer.term}`);
  lines.push(`log ${peer.firstIndex > 1 ? `from ${peer.firstIndex} ` : ""}to ${peer.lastIndex}, committed ${peer.commit}, applied ${peer.applied}`);
  for (const write of store.writes) {
    const due = Math.max(0, (write.syncedDueMicros || write.writtenDueMicros) - nowMicros);
    const doing = write.written ? "written" : "being written";
    lines.push(`${sizeText(write.sizeBytes)} ${doing}, synced in ${durationText(due)}`);
  }
  return lines;
}

/** "2 of 3 votes"; in a joint configuration "2 of 2 old, 1 of 2 new votes". */
export function votesWords(halves: readonly Majority[], pre: boolean): string {
  const kind = pre ? "pre-votes" : "votes";
  const parts = halves.map((m) => `${m.got.length} of ${m.needed}${m.half === "only" ? "" : ` ${m.half}`}`);
  return `${parts.join(", ")} ${kind}`;
}

/** Of a clock that is wrong: "2×, +1.2 s". */
export function clockShort(clock: StoreClock, nowMicros: number): string {
  const skew = skewMicros(clock, nowMicros);
  const parts = [
    ...(clock.ratePpm !== 1_000_000 ? [rateText(clock.ratePpm)] : []),
    ...(Math.abs(skew) >= 50_000 ? [`${skew > 0 ? "+" : "−"}${(Math.abs(skew) / 1e6).toFixed(1)} s`] : []),
  ];
  return parts.join(", ") || "late";
}

export function halfWords(half: Half): string {
  return half === "both" ? "old and new" : half === "none" ? "" : `${half} only`;
}

/** "4 of 12 KiB": what the receiver has of a snapshot. */
export function transferWords(transfer: SnapshotTransfer): string {
  return `snapshot: ${sizeText(transfer.bytesDone)} of ${sizeText(transfer.bytesTotal)}`;
}
