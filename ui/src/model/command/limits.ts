/** What a command may name: the stores and regions there are, and how long things may be. */
import type { Cluster } from "../state";
import { sizeText, textBytes } from "../text";
import { Wrong, type Token } from "./token";

export interface CommandLimits {
  /** Ascending. */
  readonly storeIds: readonly number[];
  readonly regionIds: readonly number[];
  /** The one that is meant where nothing says another. */
  readonly regionSelected: number;
  /** 0: no store can be added. */
  readonly storesMax: number;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  readonly requestsMax: number;
  /** Of all that work by themselves. */
  readonly clientsMax: number;
  /** As it is now: its settings, what is in flight. */
  readonly cluster?: Cluster;
}

export function key(token: Token, limits: CommandLimits): Uint8Array {
  if (token.text === "") throw new Wrong("A key cannot be empty");
  return bytes(token.text, limits.keyBytesMax, "key");
}

export function value(token: Token, limits: CommandLimits): Uint8Array {
  return bytes(token.text, limits.valueBytesMax, "value");
}

export function bytes(text: string, sizeMax: number, what: string): Uint8Array {
  const encoded = textBytes(text);
  if (encoded.length > sizeMax) {
    throw new Wrong(`The ${what} is ${sizeText(encoded.length)}; at most ${sizeText(sizeMax)} are allowed`);
  }
  return encoded;
}

export function storeIdOf(text: string, limits: CommandLimits): number {
  const id = storeNumber(text);
  if (!limits.storeIds.includes(id)) {
    const first = limits.storeIds[0] ?? 1;
    const last = limits.storeIds[limits.storeIds.length - 1] ?? 1;
    throw new Wrong(`There is no store ${text || "without a name"}; the stores are S${first} to S${last}`);
  }
  return id;
}

/** "S6", "s6" or "6"; 0 for anything else. */
export function storeNumber(text: string): number {
  const match = /^s?(\d{1,4})$/i.exec(text);
  return match ? Number(match[1]) : 0;
}

export function regionIdOf(text: string, limits: CommandLimits): number {
  const id = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (!limits.regionIds.includes(id)) {
    const all = limits.regionIds.slice(0, 8).map((r) => `#${r}`);
    const more = limits.regionIds.length > 8 ? ", …" : "";
    throw new Wrong(`There is no region ${text || "without a number"}; there ${all.length === 1 ? "is" : "are"} ${all.join(", ")}${more}`);
  }
  return id;
}

/** The id that the next store added gets; 0 when there can be no more. */
export function nextStoreId(limits: CommandLimits): number {
  const next = (limits.storeIds[limits.storeIds.length - 1] ?? 0) + 1;
  return next <= limits.storesMax ? next : 0;
}
