/** What the judge of histories says, and whether a cluster would recover, in words. */
import { VerdictKind, type Finding, type RecoverResult, type RegionRecovery, type Verdict } from "../../pb/sessionpb/v1/session_pb";
import { countText, durationText, listText } from "../text";
import { storeName } from "./names";
import { quoted } from "./request";

export type VerdictTone = "good" | "bad" | "unsure";

export function verdictTone(kind: VerdictKind): VerdictTone {
  switch (kind) {
    case VerdictKind.LINEARIZABLE:
      return "good";
    case VerdictKind.VIOLATED:
      return "bad";
    default:
      return "unsure";
  }
}

export function verdictTitle(kind: VerdictKind): string {
  switch (kind) {
    case VerdictKind.LINEARIZABLE:
      return "Linearizable";
    case VerdictKind.VIOLATED:
      return "Not linearizable";
    default:
      return "Undecided";
  }
}

/** What was looked at, and what was left out. */
export function scopeWords(verdict: Verdict): string {
  const judged = `${countText(verdict.judged)} ${verdict.judged === 1 ? "operation was" : "operations were"} judged`;
  if (verdict.leftOut === 0) return `${judged}; none was left out.`;
  const out = `${countText(verdict.leftOut)} ${verdict.leftOut === 1 ? "was" : "were"} left out`;
  return `${judged}; ${out}: stale reads, scans, seeks, status and changes of regions promise no order.`;
}

/** "key city"; "keys a, b and c". */
export function keysWords(finding: Finding, shownMax = 6): string {
  const keys = finding.keys.map(quoted);
  const shown = keys.length > shownMax ? [...keys.slice(0, shownMax), `${keys.length - shownMax} more`] : keys;
  return `${keys.length === 1 ? "key" : "keys"} ${listText(shown)}`;
}

/** What was found first, then what could not be decided, then the rest. */
export function byWeight(findings: readonly Finding[]): readonly Finding[] {
  const weight = (f: Finding) => (f.kind === VerdictKind.VIOLATED ? 0 : f.kind === VerdictKind.UNDECIDED ? 1 : 2);
  return [...findings].sort((a, b) => weight(a) - weight(b));
}

/** "Yes, after 1.2 s, with S1, S3 and S4"; "No, not with S1, S2 and S5". */
export function recoverTitle(result: RecoverResult): string {
  const stores = listText(result.storeIds.map((id) => storeName(Number(id))));
  const together = stores ? `, with ${stores}` : "";
  if (!result.recovers) return stores ? `No, not with ${stores}` : "No";
  const slowest = Math.max(0, ...result.regions.map((r) => Number(r.afterMicros)));
  return `Yes, after ${durationText(slowest)}${together}`;
}

export function regionRecoveryWords(region: RegionRecovery): string {
  if (region.serves) return `serves after ${durationText(Number(region.afterMicros))}`;
  return region.why || "does not serve within the bound";
}

export interface Mention {
  readonly words: string;
  /** The operation that the words name; 0: none. */
  readonly id: number;
}

/** A sentence in pieces, with the operations that it names apart: "… to operation 7, although …". */
export function operationMentions(sentence: string): readonly Mention[] {
  return sentence
    .split(/\b([Oo]peration \d{1,15})\b/)
    .map((words, at): Mention => ({ words, id: at % 2 === 1 ? Number(words.slice("operation ".length)) : 0 }))
    .filter((piece) => piece.words !== "");
}
