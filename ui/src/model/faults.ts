/** What is wrong in a cluster right now, in words, and what mends it. */
import { create } from "@bufbuild/protobuf";
import {
  failDisk,
  heal,
  releaseMessage,
  restartStore,
  resumeStore,
  setClock,
  setDisk,
  setFilters,
  setLinks,
  setNetwork,
  type Action,
} from "./action";
import { rateText, runsTrue, skewMicros } from "./clock";
import { linkStates, splitOf, type LinkState } from "./links";
import type { Cluster, Store } from "./state";
import { listText } from "./text";
import { clockWords, crashArmedWords, diskFaultWords, diskWords, filterWords, networkWords, skewWords, splitWords, wayWords } from "./words/fault";
import { percentText, storeName } from "./words/names";
import { HoldReason } from "../pb/sessionpb/v1/event_pb";
import { CrashMoment, DiskFault, NetworkSchema } from "../pb/sessionpb/v1/fault_pb";

export interface Fault {
  /** Stays the same while the fault lasts. */
  readonly key: string;
  readonly words: string;
  /** "Mend", "Restart", "Release". */
  readonly mend: string;
  /** In this order; none when it cannot be mended alone. */
  readonly actions: readonly Action[];
  /** Whom it is about, to light up; 0 when nobody in particular. */
  readonly storeId: number;
}

export function faultsOf(cluster: Cluster, nowMicros: number): readonly Fault[] {
  return [
    ...networkFaults(cluster),
    ...linkFaults(cluster),
    ...filterFaults(cluster),
    ...heldFaults(cluster),
    ...cluster.stores.flatMap((store) => storeFaults(cluster, store, nowMicros)),
  ];
}

function networkFaults(cluster: Cluster): Fault[] {
  const network = cluster.config?.network;
  if (!network) return [];
  const parts = [
    ...(network.lossPpm > 0 ? [`${percentText(network.lossPpm)} of all messages are lost`] : []),
    ...(network.duplicatePpm > 0 ? [`${percentText(network.duplicatePpm)} arrive twice`] : []),
    ...(network.reorderPpm > 0 ? [`${percentText(network.reorderPpm)} are overtaken`] : []),
    ...(network.slowPpm > 0 ? [`${percentText(network.slowPpm)} are slow`] : []),
  ];
  if (parts.length === 0) return [];
  const mended = create(NetworkSchema, { ...network, lossPpm: 0, duplicatePpm: 0, reorderPpm: 0, slowPpm: 0, slowMicros: 0n });
  return [{ key: "network", words: listText(parts), mend: "Mend", actions: [setNetwork(mended)], storeId: 0 }];
}

function linkFaults(cluster: Cluster): Fault[] {
  const links = linkStates(cluster.config?.links ?? []);
  const faults: Fault[] = [];
  const cuts = links.filter((l) => l.cut);
  const split = splitOf(links, cluster.stores.map((s) => s.id));
  if (split && cuts.length > 2) {
    faults.push(linkFault("split", capital(splitWords(split)), cuts, (l) => ({ ...l, cut: false })));
  } else {
    for (const link of cuts) {
      const back = cuts.find((l) => l.from === link.to && l.to === link.from);
      if (back && link.from > link.to) continue;
      const words = back
        ? `${storeName(link.from)} and ${storeName(link.to)} do not hear each other`
        : `${storeName(link.to)} does not hear ${storeName(link.from)}: ${wayWords(link.from, link.to)} is cut`;
      faults.push(linkFault(`cut ${link.from} ${link.to}`, words, back ? [link, back] : [link], (l) => ({ ...l, cut: false })));
    }
  }
  for (const link of links.filter((l) => l.clogged)) {
    const words = `${wayWords(link.from, link.to)} is clogged: what is sent waits`;
    faults.push(linkFault(`clog ${link.from} ${link.to}`, words, [link], (l) => ({ ...l, clogged: false })));
  }
  for (const link of links.filter((l) => l.network)) {
    const words = `${wayWords(link.from, link.to)} has ${networkWords(link.network!)}`;
    faults.push(linkFault(`own ${link.from} ${link.to}`, words, [link], (l) => ({ ...l, network: null })));
  }
  return faults;
}

function linkFault(key: string, words: string, links: readonly LinkState[], mended: (link: LinkState) => LinkState): Fault {
  return { key, words, mend: "Mend", actions: [setLinks(links.map((l) => linkInit(mended(l))))], storeId: 0 };
}

/** A link as the wire has it. */
export function linkInit(link: LinkState) {
  return {
    fromStore: BigInt(link.from),
    toStore: BigInt(link.to),
    cut: link.cut,
    clogged: link.clogged,
    network: link.network ?? undefined,
  };
}

function filterFaults(cluster: Cluster): Fault[] {
  const filters = cluster.config?.filters ?? [];
  return filters.map((filter, at) => ({
    key: `filter ${at} ${filterWords(filter)}`,
    words: capital(filterWords(filter)),
    mend: "Remove",
    actions: [setFilters(filters.filter((f) => f !== filter))],
    storeId: 0,
  }));
}

function heldFaults(cluster: Cluster): Fault[] {
  const held = cluster.messages.filter((m) => m.held === HoldReason.BY_HAND || m.held === HoldReason.FILTER);
  if (held.length === 0) return [];
  const words = held.length === 1 ? "One message is held" : `${held.length} messages are held`;
  return [{ key: "held", words, mend: "Release", actions: held.map((m) => releaseMessage(m.id)), storeId: 0 }];
}

function storeFaults(cluster: Cluster, store: Store, nowMicros: number): Fault[] {
  const who = storeName(store.id);
  const fault = (key: string, words: string, mend: string, ...actions: Action[]): Fault => ({
    key: `${key} ${store.id}`,
    words,
    mend,
    actions,
    storeId: store.id,
  });
  const faults: Fault[] = [];
  if (!store.up) faults.push(fault("down", store.stoppedReason ? `${who} has stopped: ${store.stoppedReason}` : `${who} is down`, "Restart", restartStore(store.id)));
  if (store.paused) faults.push(fault("paused", `${who} is paused`, "Resume", resumeStore(store.id)));
  if (store.diskFault !== DiskFault.UNSPECIFIED) {
    faults.push(fault("disk", diskFaultWords(`${who}'s`, store.diskFault), "Mend", failDisk(store.id, DiskFault.UNSPECIFIED)));
  }
  if (store.crashMoment !== CrashMoment.UNSPECIFIED) {
    faults.push(fault("armed", crashArmedWords(who, store.crashKeeps), "Call off", heal([store.id])));
  }
  const own = cluster.config?.disks.find((d) => Number(d.storeId) === store.id)?.disk;
  if (own) faults.push(fault("own disk", `${who}'s disk is unlike the others: ${diskWords(own)}`, "Mend", setDisk(undefined, store.id)));
  const skew = skewMicros(store.clock, nowMicros);
  if (clockWords(store.clock, nowMicros) !== "") {
    const words = runsTrue(store.clock) ? `${who}'s clock is ${skewWords(skew)}` : `${who}'s clock ${clockRunWords(store, skew)}`;
    // Set right at once: true time from here on, and back by what it is ahead.
    faults.push(fault("clock", words, "Set right", setClock(store.id, {}, -skew)));
  }
  return faults;
}

function clockRunWords(store: Store, skew: number): string {
  const parts = store.clock.ratePpm === 1_000_000 ? "ticks late" : `runs at ${rateText(store.clock.ratePpm)}`;
  const words = skewWords(skew);
  return words ? `${parts}; it is ${words}` : parts;
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
