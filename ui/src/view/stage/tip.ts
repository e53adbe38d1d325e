/** The tooltip of what is pointed at: its words, and the spot beside which it stands. */
import { peerOf } from "../../model/regions";
import type { Selection } from "../../model/selection";
import type { Cluster, Message } from "../../model/state";
import { messageTypeName, storeWords } from "../../model/words";
import type { Layout, Point } from "./geometry";
import { lookOf, type Link } from "./links";
import { linkMiddle } from "./roads";
import { cellStates, type Cell } from "./strip";
import { messageLines, storeLines } from "./tips";

export interface Tip {
  /** Another one stands elsewhere. */
  readonly key: string;
  readonly title: string;
  readonly lines: readonly string[];
  readonly x: number;
  readonly y: number;
  /** How far from there the tooltip stands. */
  readonly away: number;
}

/** A cell of a log, and where in its strip it begins. */
export interface PointedCell {
  readonly cell: Cell;
  readonly x: number;
}

export interface TipGround {
  readonly cluster: Cluster;
  readonly regionId: number;
  readonly nowMicros: number;
  readonly messages: readonly Message[];
  readonly plan: Layout;
  readonly links: readonly Link[];
  readonly spots: ReadonlyMap<number, Point>;
  readonly cell: PointedCell | null;
  spotOf(message: Message): Point;
}

export function tipOf(what: Selection, on: TipGround): Tip | null {
  switch (what.kind) {
    case "message": {
      const m = on.messages.find((one) => one.id === what.id);
      return m
        ? { key: `message ${m.id}`, title: `${messageTypeName(m.type)} S${m.from} → S${m.to}`, lines: messageLines(m, on.nowMicros), ...on.spotOf(m), away: 20 }
        : null;
    }
    case "link": {
      const at = linkMiddle(on.links, on.spots, what.a, what.b, on.plan.edge + 3);
      const { lines } = lookOf(on.cluster.config, what.a, what.b);
      return at && { key: `link ${what.a} ${what.b}`, title: `Link S${what.a} – S${what.b}`, lines, ...at, away: 18 };
    }
    case "store":
      return storeTip(what.id, on);
    case "entry":
      return entryTip(what.storeId, on);
    default:
      return null;
  }
}

function storeTip(storeId: number, { cluster, regionId, nowMicros, plan }: TipGround): Tip | null {
  const at = cluster.stores.findIndex((s) => s.id === storeId);
  const store = cluster.stores[at];
  const place = plan.places[at];
  if (!store || !place) return null;
  const lines = storeLines(store, peerOf(store, regionId), regionId, nowMicros);
  return { key: `store ${storeId}`, title: storeWords(store, regionId), lines, x: place.x, y: place.y, away: plan.edge + 10 };
}

function entryTip(storeId: number, { cluster, plan, cell: pointed }: TipGround): Tip | null {
  const place = plan.places[cluster.stores.findIndex((s) => s.id === storeId)];
  const entry = pointed?.cell.entry;
  if (!place || !pointed || !entry) return null;
  const { cell, x } = pointed;
  return {
    key: `entry ${storeId} ${cell.index}`,
    title: entry.words,
    lines: [`entry ${cell.index}, term ${entry.term}`, cellStates(cell).join(", ")],
    x: place.strip.x + x + plan.cell.width / 2,
    y: place.strip.y + plan.cell.height / 2,
    away: plan.cell.width / 2 + 12,
  };
}
