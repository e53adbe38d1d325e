/** Durations, shares and rates as they are typed. */
import { Wrong } from "./token";

const units: Record<string, number> = { us: 1, µs: 1, ms: 1000, s: 1_000_000, min: 60_000_000 };

/** "500ms", "2s", "1.5s", "300us"; without a unit: milliseconds. */
export function microsOf(text: string, what: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)(us|µs|ms|s|min)?$/i.exec(text);
  if (!match) throw new Wrong(`${what} is a time, for example 50ms or 2s${text ? `, not ${text}` : ""}`);
  return Math.round(Number(match[1]) * units[(match[2] ?? "ms").toLowerCase()]);
}

/** "20%": parts per million. */
export function ppmOf(text: string, what: string): number {
  const match = /^(\d{1,3}(?:\.\d{1,4})?)%?$/.exec(text);
  if (!match) throw new Wrong(`${what} is a share, for example 20%${text ? `, not ${text}` : ""}`);
  if (Number(match[1]) > 100) throw new Wrong(`${what} of ${match[1]} % is more than all; it goes from 0 % to 100 %`);
  return Math.round(Number(match[1]) * 10_000);
}

/** "64KiB": bytes a second; 0 is without bound. */
export function bytesOf(text: string, what: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(b|kb|kib|mb|mib)?(\/s)?$/i.exec(text);
  if (!match) throw new Wrong(`${what} is so many bytes a second, for example 64KiB${text ? `, not ${text}` : ""}`);
  const unit = { b: 1, kb: 1000, kib: 1024, mb: 1e6, mib: 1024 * 1024 }[(match[2] ?? "b").toLowerCase()] ?? 1;
  return Math.round(Number(match[1]) * unit);
}
