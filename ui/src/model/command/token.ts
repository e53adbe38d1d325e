/** A command line's words. */

export interface Token {
  readonly text: string;
  readonly quoted: boolean;
}

/** What is wrong with a line, in one sentence. */
export class Wrong extends Error {}

/** Words apart at blanks; "…" and '…' hold blanks; ; and = stand alone. */
export function tokens(line: string): Token[] {
  const out: Token[] = [];
  let at = 0;
  while (at < line.length) {
    const c = line[at];
    if (/\s/.test(c)) {
      at++;
    } else if (c === '"' || c === "'") {
      let text = "";
      at++;
      while (at < line.length && line[at] !== c) {
        if (line[at] === "\\" && at + 1 < line.length) at++;
        text += line[at++];
      }
      if (at >= line.length) throw new Wrong(`The quotation that begins with ${c} does not end`);
      at++;
      out.push({ text, quoted: true });
    } else if (c === ";" || c === "=") {
      out.push({ text: c, quoted: false });
      at++;
    } else {
      const word = /^[^\s;="']+/.exec(line.slice(at))![0];
      out.push({ text: word, quoted: false });
      at += word.length;
    }
  }
  return out;
}

/** Takes the options named out of the words; each is a word of its own that begins with --. */
export function takeFlags(words: readonly Token[], known: readonly string[]): { rest: readonly Token[]; flags: ReadonlySet<string> } {
  const flags = new Set<string>();
  const rest = words.filter((w) => {
    if (w.quoted || !w.text.startsWith("--")) return true;
    const flag = w.text.toLowerCase();
    if (!known.includes(flag)) {
      const offered = known.length > 0 ? `; there ${known.length === 1 ? "is" : "are"} ${known.join(", ")}` : "";
      throw new Wrong(`There is no option ${w.text} here${offered}`);
    }
    flags.add(flag);
    return false;
  });
  return { rest, flags };
}
