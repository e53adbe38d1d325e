/** The words of the stage's tooltips. */
import { Role } from "../../pb/sessionpb/v1/event_pb";
import type { Message, Store } from "../../model/state";
import { durationText, sizeText } from "../../model/text";
import { messageDetail } from "../../model/words";

export function messageLines(message: Message, nowMicros: number): readonly string[] {
  const detail = messageDetail(message);
  const arrives = `arrives in ${durationText(Math.max(0, message.dueMicros - nowMicros))}`;
  const term = `term ${message.term}`;
  return [detail, detail.includes(term) ? arrives : `${term} · ${arrives}`];
}

export function storeLines(store: Store, nowMicros: number): readonly string[] {
  const peer = store.peers[0];
  if (!store.up) return [store.stoppedReason || "Its process is gone; its disk keeps what was synced."];
  if (!peer) return [];
  const lines: string[] = [];
  const { elapsedTicks, timeoutTicks } = peer.timer;
  lines.push(`${peer.role === Role.LEADER ? "quorum check" : "election timer"} at ${elapsedTicks} of ${timeoutTicks} ticks`);
  if (peer.role === Role.CANDIDATE || peer.role === Role.PRE_CANDIDATE) {
    lines.push(`${peer.votes.length} of ${Math.floor(peer.voters.length / 2) + 1} votes it needs`);
  }
  if (peer.vote > 0) lines.push(`voted for S${peer.vote} in term ${peer.term}`);
  lines.push(`log to ${peer.lastIndex}, committed ${peer.commit}, applied ${peer.applied}`);
  for (const write of store.writes) {
    const due = Math.max(0, (write.syncedDueMicros || write.writtenDueMicros) - nowMicros);
    const doing = write.written ? "written" : "being written";
    lines.push(`${sizeText(write.sizeBytes)} ${doing}, synced in ${durationText(due)}`);
  }
  return lines;
}
