/** What the log strips show: the same window of indexes under every store, so that logs can be compared by eye. */
import type { Entry, Peer } from "../../model/state";
import { digitWidth } from "./geometry";

export interface Window {
  readonly first: number;
  readonly last: number;
  /** Entries before the window exist, or existed. */
  readonly more: boolean;
  /** Some log has been compacted: the label before the cells says how far. */
  readonly gap: boolean;
}

export interface Cell {
  readonly index: number;
  /** null: others have this entry, this store does not. */
  readonly entry: Entry | null;
  /** This store had it, and has let it go. */
  readonly compacted: boolean;
  readonly committed: boolean;
  readonly applied: boolean;
  readonly synced: boolean;
  /** Left edge, in pixels from the first cell's. */
  readonly x: number;
}

export interface Strip {
  readonly cells: readonly Cell[];
  /** "…12": earlier entries exist, the first shown is 12. Empty when all are shown. */
  readonly label: string;
  /** The entries that are compacted, from the first on, in one block; null when none are, or they lie further back. */
  readonly gap: { readonly text: string; readonly last: number; readonly x: number; readonly width: number } | null;
  /** Where the first cell stands, in pixels from the strip's left edge. */
  readonly left: number;
  /** Where the line up to applied starts and ends; equal when nothing shown is applied. */
  readonly appliedX: readonly [number, number];
  /** The synced line; null when it lies outside of the window. */
  readonly syncedX: number | null;
}

/** Width of the label, in whole cells. */
function labelCells(first: number, cellWidth: number, gap: boolean): number {
  const characters = gap ? gapText(first).length : String(first).length + 1;
  return Math.ceil((characters * digitWidth + (gap ? 12 : 5)) / cellWidth);
}

function gapText(first: number): string {
  return first > 2 ? `1–${first - 1}` : "1";
}

export function windowOf(given: readonly Peer[], cells: number, cellWidth: number): Window {
  const peers = given.filter((p) => !p.uninitialized);
  let last = 0;
  let first = Infinity;
  for (const peer of peers) {
    last = Math.max(last, peer.lastIndex);
    first = Math.min(first, firstHeld(peer));
  }
  if (!Number.isFinite(first)) first = 1;
  return fit(
    first,
    last,
    cells,
    cellWidth,
    peers.some((p) => p.firstIndex > 1),
  );
}

function fit(first: number, last: number, cells: number, cellWidth: number, gap: boolean): Window {
  if (last - first + 1 <= cells && first <= 1) return { first, last, more: false, gap };
  // The label takes cells away; its width depends on the first index, which depends on its width.
  let room = cells - labelCells(Math.max(first, last), cellWidth, gap);
  room = cells - labelCells(Math.max(1, first, last - room + 1), cellWidth, gap);
  room = Math.max(1, room);
  return { first: Math.max(first, last - room + 1), last, more: true, gap };
}

function firstHeld(peer: Peer): number {
  return peer.entries.length > 0 ? peer.entries[0].index : peer.lastIndex + 1;
}

export function stripOf(peer: Peer, shared: Window, cells: number, cellWidth: number): Strip {
  // One that lags behind the whole window shows its own newest entries.
  const own = peer.lastIndex < shared.first && peer.lastIndex > 0;
  const window = own ? fit(firstHeld(peer), peer.lastIndex, cells, cellWidth, peer.firstIndex > 1) : shared;
  const count = Math.max(0, window.last - window.first + 1);
  const label = window.more ? `…${window.first}` : "";
  const labelWidth = window.more ? labelCells(window.first, cellWidth, window.gap) * cellWidth : 0;
  const left = window.more ? labelWidth : ((cells - count) * cellWidth) / 2;
  const shown: Cell[] = [];
  const start = firstHeld(peer);
  for (let i = 0; i < count; i++) {
    const index = window.first + i;
    const entry = peer.entries[index - start] ?? null;
    shown.push({
      index,
      entry: entry && entry.index === index ? entry : null,
      compacted: index < peer.firstIndex,
      committed: index <= peer.commit,
      applied: index <= peer.applied,
      synced: index <= peer.syncedIndex,
      x: i * cellWidth,
    });
  }
  const at = (index: number) =>
    (Math.min(Math.max(index, window.first - 1), window.last) - window.first + 1) * cellWidth;
  return {
    cells: shown,
    label,
    gap: gapOf(peer, window, labelWidth, cellWidth),
    left,
    appliedX: [0, at(Math.min(peer.applied, peer.lastIndex))],
    syncedX: peer.lastIndex > 0 && peer.syncedIndex >= window.first - 1 ? at(peer.syncedIndex) : null,
  };
}

/** It takes the label's place and that of the cells that are gone. */
function gapOf(peer: Peer, window: Window, labelWidth: number, cellWidth: number): Strip["gap"] {
  const last = Math.min(peer.firstIndex - 1, Math.max(window.last, window.first - 1));
  if (last < 1 || last < window.first - 1) return null;
  const cells = last - window.first + 1;
  return { text: gapText(last + 1), last, x: -labelWidth, width: labelWidth + cells * cellWidth };
}

/** "Entry 9 on S3, term 4: put city Kyoto; committed, applied". */
export function cellWords(cell: Cell, storeId: number): string {
  if (cell.compacted) return `Entry ${cell.index} is compacted on S${storeId}: the state holds what it did`;
  if (!cell.entry) return `Entry ${cell.index} is not on S${storeId} yet`;
  return `Entry ${cell.index} on S${storeId}, term ${cell.entry.term}: ${cell.entry.words}; ${cellStates(cell).join(", ")}`;
}

export function cellStates(cell: Cell): readonly string[] {
  return [
    cell.committed ? "committed" : "not committed",
    ...(cell.applied ? ["applied"] : []),
    cell.synced ? "synced" : "not synced: a crash loses it",
  ];
}

/** The palette's colour of a term: --t1 to --t5, again and again. */
export function termTint(term: number): number {
  return ((Math.max(1, term) - 1) % 5) + 1;
}
