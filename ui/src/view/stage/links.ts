/** The faint lines between stores, and how far each bends around those between. */
import type { Config } from "../../pb/sessionpb/v1/run_pb";
import { linkState, type LinkState } from "../../model/links";
import { durationText } from "../../model/text";
import { networkWords, percentText, storeName, wayWords } from "../../model/words";
import { along, detour, linkPath, overlap, road, type Box, type Point, type Road } from "./geometry";

export interface Link {
  readonly key: number;
  readonly a: number;
  readonly b: number;
  readonly path: string;
  readonly around: number;
}

export function linkKey(a: number, b: number): number {
  return a * 4096 + b;
}

/** Between every two of the stores that stand at these spots. */
export function linksOf(spots: ReadonlyMap<number, Point>, clear: number, middle: Point): readonly Link[] {
  const all: Link[] = [];
  const list = [...spots];
  for (const [a, from] of list) {
    for (const [b, to] of list) {
      if (a >= b) continue;
      const others = list.filter(([other]) => other !== a && other !== b).map(([, spot]) => spot);
      const around = detour(from, to, others, clear, middle);
      all.push({ key: linkKey(a, b), a, b, path: linkPath(from, to, around), around });
    }
  }
  return all;
}

/** The middle of a link, from edge to edge: what both directions share. */
export function middleRoad(a: Point, b: Point, edge: number, around: number): Road {
  const between = road(a, b, edge, -4 / 14, 0);
  const distance = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  const aside = { x: -(b.y - a.y) / distance, y: (b.x - a.x) / distance };
  const bend = {
    x: (between.from.x + between.to.x) / 2 + aside.x * around * 2,
    y: (between.from.y + between.to.y) / 2 + aside.y * around * 2,
  };
  return { ...between, bend };
}

/** A stretch of a road, by de Casteljau. */
export function stretch(way: Road, t0: number, t1: number): Road {
  const mix = (a: Point, b: Point, t: number): Point => ({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t });
  const at = (s: number, t: number) => mix(mix(way.from, way.bend, s), mix(way.bend, way.to, s), t);
  return { from: at(t0, t0), bend: at(t0, t1), to: at(t1, t1), length: way.length * (t1 - t0) };
}

export interface LinkLook {
  readonly there: LinkState;
  readonly back: LinkState;
  /** Nothing is wrong with it: one faint line. */
  readonly plain: boolean;
  /** Neither hears the other: one line with one gap. */
  readonly apart: boolean;
  readonly label: string;
  readonly lines: readonly string[];
}

export function lookOf(config: Config | null, a: number, b: number): LinkLook {
  const there = linkState(config, a, b);
  const back = linkState(config, b, a);
  const wrong = (l: LinkState) => l.cut || l.clogged || l.network !== null;
  const lines = [there, back].map(wayLine);
  const plain = !wrong(there) && !wrong(back);
  return {
    there,
    back,
    plain,
    apart: there.cut && back.cut,
    label: `Link ${storeName(a)} – ${storeName(b)}${plain ? "" : `: ${lines.filter((l) => l !== "").join("; ")}`}`,
    lines: plain && config?.network ? [networkWords(config.network)] : lines.filter((l) => l !== ""),
  };
}

function wayLine(link: LinkState): string {
  const { network } = link;
  const parts = [
    ...(link.cut ? ["cut"] : []),
    ...(link.clogged ? ["clogged"] : []),
    ...(network ? [`${durationText(Number(network.latencyMicros))}, loses ${percentText(network.lossPpm)}`] : []),
  ];
  return parts.length > 0 ? `${wayWords(link.from, link.to)} ${parts.join(", ")}` : "";
}

const markSpots = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82];

/** Where on its road a mark stands in nobody's way: as near to the middle as the stores' figures leave room. */
export function markAt(way: Road, boxes: readonly Box[], pad: number): number {
  return markSpots.find((t) => !boxes.some((b) => overlap(b, { ...along(way, t), width: 0, height: 0 }, pad))) ?? 0.5;
}
