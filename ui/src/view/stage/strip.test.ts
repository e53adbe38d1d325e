import { describe, expect, it } from "vitest";
import { EntryType, Role } from "../../pb/sessionpb/v1/event_pb";
import type { Peer } from "../../model/state";
import { cellWords, stripOf, termTint, windowOf } from "./strip";

function peer(storeId: number, terms: readonly number[], fields: Partial<Peer> = {}, first = 1): Peer {
  const last = first + terms.length - 1;
  return {
    regionId: 1,
    peerId: storeId,
    storeId,
    role: Role.FOLLOWER,
    term: 4,
    vote: 0,
    leader: 0,
    commit: last,
    applied: last,
    firstIndex: first,
    lastIndex: last,
    syncedIndex: last,
    entries: terms.map((term, i) => ({
      index: first + i,
      term,
      type: EntryType.COMMAND,
      words: `put k${first + i} v`,
      sizeBytes: 30,
    })),
    timer: { elapsedTicks: 0, timeoutTicks: 10 },
    votes: [],
    progress: [],
    keys: [],
    keysTotal: 0,
    region: { id: 1, start: new Uint8Array(), end: new Uint8Array(), confVer: 1, version: 1, members: [] },
    uninitialized: false,
    transferTo: 0,
    ...fields,
  };
}
const many = (count: number) => Array.from({ length: count }, () => 1);

describe("log strips", () => {
  it("show the whole log while it fits, with what others have left open", () => {
    const peers = [peer(1, [1, 1, 2, 2]), peer(2, [1, 1])];
    const window = windowOf(peers, 10, 19);
    expect(window).toEqual({ first: 1, last: 4, more: false, gap: false });
    const strip = stripOf(peers[1], window, 10, 19);
    expect(strip.label).toBe("");
    expect(strip.cells.map((c) => c.entry?.term ?? null)).toEqual([1, 1, null, null]);
  });

  it("show the newest entries of a long log, and which is the first shown", () => {
    const peers = [peer(1, many(40)), peer(2, many(38))];
    const window = windowOf(peers, 10, 19);
    expect(window.last).toBe(40);
    const strip = stripOf(peers[0], window, 10, 19);
    expect(strip.label).toBe(`…${window.first}`);
    expect(strip.cells[strip.cells.length - 1].index).toBe(40);
    for (const cell of strip.cells) expect(strip.left + cell.x + 19).toBeLessThanOrEqual(190);
    // The same columns under the other store.
    const other = stripOf(peers[1], window, 10, 19);
    expect(other.cells.map((c) => [c.index, c.x])).toEqual(strip.cells.map((c) => [c.index, c.x]));
    expect(other.left).toBe(strip.left);
  });

  it("show a store that lags behind with its own newest entries", () => {
    const peers = [peer(1, many(40)), peer(2, many(5))];
    const strip = stripOf(peers[1], windowOf(peers, 8, 19), 8, 19);
    expect(strip.cells.map((c) => c.index)).toEqual([1, 2, 3, 4, 5]);
  });

  it("say of each cell what it is", () => {
    const one = peer(3, [1, 1, 2, 4], { commit: 3, applied: 2, syncedIndex: 3 });
    const strip = stripOf(one, windowOf([one], 10, 20), 10, 20);
    expect(strip.cells.map((c) => [c.committed, c.applied, c.synced])).toEqual([
      [true, true, true],
      [true, true, true],
      [true, false, true],
      [false, false, false],
    ]);
    expect(strip.syncedX).toBe(strip.cells[3].x);
    expect(strip.appliedX[1]).toBe(strip.cells[2].x);
    expect(cellWords(strip.cells[3], 3)).toBe(
      "Entry 4 on S3, term 4: put k4 v; not committed, not synced: a crash loses it",
    );
  });

  it("show what is compacted as one block, over the cells that one store alone has let go", () => {
    const kept = peer(1, many(4), {}, 41);
    const further = peer(2, many(2), {}, 43);
    const window = windowOf([kept, further], 12, 19);
    expect([window.first, window.gap]).toEqual([41, true]);
    const [a, b] = [stripOf(kept, window, 12, 19), stripOf(further, window, 12, 19)];
    expect([a.gap?.text, b.gap?.text]).toEqual(["1–40", "1–42"]);
    expect(b.gap!.width - a.gap!.width).toBe(2 * 19);
    expect(b.cells.map((c) => c.compacted)).toEqual([true, true, false, false]);
    expect(cellWords(b.cells[0], 2)).toBe("Entry 41 is compacted on S2: the state holds what it did");
  });

  it("survive an empty log and one whose beginning is compacted", () => {
    const empty = peer(1, []);
    expect(stripOf(empty, windowOf([empty], 8, 19), 8, 19).cells).toEqual([]);
    const compacted = peer(1, many(3), {}, 101);
    const window = windowOf([compacted], 8, 19);
    expect(window).toEqual({ first: 101, last: 103, more: true, gap: true });
    expect(stripOf(compacted, window, 8, 19).label).toBe("…101");
  });
});

describe("termTint", () => {
  it("goes round five colours", () => {
    expect([1, 2, 5, 6, 11].map(termTint)).toEqual([1, 2, 5, 1, 1]);
  });
});
