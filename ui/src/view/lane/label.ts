/** What stands on an interval: what was asked and what came, as far as there is room. */
import type { Operation } from "../../model/state";
import { answerWords, requestWords } from "../../model/words";

interface Words {
  readonly request: string;
  readonly answer: string;
}

const wordsMax = 64;
/** An operation is made anew when its answer comes, so that its words are never old. */
const known = new WeakMap<Operation, Words>();

function wordsOf(operation: Operation): Words {
  let words = known.get(operation);
  if (!words) {
    const answer = operation.response ? answerWords(operation.response).words : "";
    words = { request: shortened(requestWords(operation.request)), answer: answer === "ok" ? "" : shortened(answer) };
    known.set(operation, words);
  }
  return words;
}

function shortened(text: string): string {
  return text.length > wordsMax ? `${text.slice(0, wordsMax - 1)}…` : text;
}

/** "get x → 3", "put x 3", "get x"; nothing when not even its beginning fits. */
export function labelOf(operation: Operation, room: number, widthOf: (text: string) => number = (text) => text.length * 7.2): string {
  if (room < 18) return "";
  const { request, answer } = wordsOf(operation);
  if (answer) {
    const both = `${request} → ${answer}`;
    if (widthOf(both) <= room) return both;
  }
  if (widthOf(request) <= room) return request;
  const fitting = Math.floor((request.length * room) / Math.max(1, widthOf(request))) - 1;
  return fitting >= 3 ? `${request.slice(0, fitting)}…` : "";
}
