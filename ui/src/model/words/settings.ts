/** What of the settings has changed, in words. */
import { equals } from "@bufbuild/protobuf";
import type { Event } from "../../pb/sessionpb/v1/event_pb";
import { DiskSchema, FilterSchema, LinkSchema, NetworkSchema, StoreDiskSchema, WorkloadSchema } from "../../pb/sessionpb/v1/fault_pb";
import type { Config } from "../../pb/sessionpb/v1/run_pb";
import { linkStates, splitOf, type LinkState } from "../links";
import { listText } from "../text";
import { diskWords, filterWords, linkWords, networkWords, splitWords, wayWords } from "./fault";
import { storeName } from "./names";
import { workloadsWords } from "./workload";

type Settings = Extract<Event["body"], { case: "settingsChanged" }>["value"];

/** Links that are told one by one. */
const linksMax = 3;

export function settingsWords(now: Settings, before: Config | null): string {
  const parts = [...networkPart(now, before), ...linkPart(now, before), ...filterPart(now, before), ...diskPart(now, before), ...workloadPart(now, before)];
  return parts.length > 0 ? `Settings change: ${parts.join("; ")}` : "The settings are set anew";
}

function networkPart(now: Settings, before: Config | null): string[] {
  const { network } = now;
  if (!network || (before?.network && equals(NetworkSchema, network, before.network))) return [];
  return [networkWords(network)];
}

function diskPart(now: Settings, before: Config | null): string[] {
  const { disk } = now;
  const parts = disk && !(before?.disk && equals(DiskSchema, disk, before.disk)) ? [diskWords(disk)] : [];
  const known = before?.disks ?? [];
  for (const own of now.disks) {
    if (own.disk && !known.some((d) => equals(StoreDiskSchema, d, own))) parts.push(`${storeName(Number(own.storeId))}'s disk: ${diskWords(own.disk)}`);
  }
  for (const gone of known) {
    if (!now.disks.some((d) => d.storeId === gone.storeId)) parts.push(`${storeName(Number(gone.storeId))}'s disk is like the others again`);
  }
  return parts;
}

function linkPart(now: Settings, before: Config | null): string[] {
  const known = before?.links ?? [];
  const changed = linkStates(now.links.filter((l) => !known.some((k) => equals(LinkSchema, k, l))));
  const current = linkStates(now.links);
  const isSame = (a: LinkState, b: LinkState) => a.from === b.from && a.to === b.to;
  const mended = linkStates(known).filter((k) => !current.some((l) => isSame(k, l)));
  if (changed.length === 0 && mended.length === 0) return [];
  if (current.length === 0) return ["all links are mended"];
  const stores = before?.stores ?? 0;
  const split = splitOf(current, storeIdsOf(stores, current));
  if (split && changed.length + mended.length > 1) return [splitWords(split)];
  if (changed.length + mended.length > 2 * linksMax) return [`${changed.length} links change, ${mended.length} are mended`];
  return [...paired(changed), ...(mended.length > 0 ? [`${listText(mended.map((l) => wayWords(l.from, l.to)))} ${mended.length === 1 ? "is" : "are"} mended`] : [])];
}

/** Both ways in one. */
function paired(links: readonly LinkState[]): string[] {
  const parts: string[] = [];
  for (const link of links) {
    const back = links.find((l) => l.from === link.to && l.to === link.from);
    const alike = back !== undefined && back.cut && link.cut && !back.clogged && !link.clogged && !back.network && !link.network;
    if (!alike) parts.push(linkWords(link));
    else if (link.from < link.to) parts.push(`${storeName(link.from)} and ${storeName(link.to)} do not hear each other`);
  }
  return parts;
}

function storeIdsOf(stores: number, links: readonly LinkState[]): readonly number[] {
  const last = links.reduce((most, l) => Math.max(most, l.from, l.to), stores);
  return Array.from({ length: last }, (_, i) => i + 1);
}

function filterPart(now: Settings, before: Config | null): string[] {
  const known = before?.filters ?? [];
  if (now.filters.length === 0) return known.length > 0 ? ["no filters any more"] : [];
  const added = now.filters.filter((f) => !known.some((k) => equals(FilterSchema, k, f)));
  const gone = known.filter((k) => !now.filters.some((f) => equals(FilterSchema, k, f)));
  return [...added.map(filterWords), ...gone.map((f) => `no longer: ${filterWords(f)}`)];
}

function workloadPart(now: Settings, before: Config | null): string[] {
  const known = before?.workloads ?? [];
  const same = known.length === now.workloads.length && known.every((w, i) => equals(WorkloadSchema, w, now.workloads[i]));
  return same ? [] : [`clients at work: ${workloadsWords(now.workloads)}`];
}
