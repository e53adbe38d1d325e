/** Bytes, times and counts as people read them. */

const utf8 = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();
// Control characters would break a line or hide; such bytes are shown as numbers.
// eslint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001f\u007f-\u009f]/;

/** As text when it is printable UTF-8, else as 0x…; at most lengthMax characters. */
export function bytesText(bytes: Uint8Array, lengthMax = 200): string {
  try {
    const text = utf8.decode(bytes);
    if (!unprintable.test(text)) return text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text;
  } catch {
    // Not UTF-8.
  }
  const shown = bytes.subarray(0, lengthMax / 2);
  const hex = Array.from(shown, (b) => b.toString(16).padStart(2, "0")).join("");
  return `0x${hex}${shown.length < bytes.length ? "…" : ""}`;
}

export function textBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** "12.430 s": virtual time since the start of the run. */
export function secondsText(micros: number): string {
  return `${(micros / 1e6).toFixed(3)} s`;
}

/** "41 ms", "2.5 ms", "300 µs", "1.2 s": a duration. */
export function durationText(micros: number): string {
  if (micros < 1000) return `${Math.round(micros)} µs`;
  if (micros < 10_000) return `${trimZero((micros / 1000).toFixed(1))} ms`;
  if (micros < 1_000_000) return `${Math.round(micros / 1000)} ms`;
  return `${trimZero((micros / 1e6).toFixed(1))} s`;
}

function trimZero(text: string): string {
  return text.endsWith(".0") ? text.slice(0, -2) : text;
}

/** "1,284": thousands apart. */
export function countText(n: number): string {
  return String(Math.trunc(n)).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${trimZero((bytes / 1024).toFixed(1))} KiB`;
  return `${trimZero((bytes / 1024 / 1024).toFixed(1))} MiB`;
}

/** "S1, S2 and S3". */
export function listText(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

/** Byte by byte, as the engine orders keys: negative, 0 or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

/** The core's own words as a sentence of their own. */
export function sentenceText(words: string): string {
  const text = words.trim();
  if (text === "") return "";
  return `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
