/** Faults that a person can bring on, as the menus of stores, links and messages offer them. */
import { cannotWords, refusalOf, type Can } from "./abilities";
import {
  corruptDisk,
  crashStore,
  delayMessage,
  deliverMessage,
  dropMessage,
  duplicateMessage,
  failDisk,
  heal,
  holdMessage,
  pauseStore,
  releaseMessage,
  restartStore,
  resumeStore,
  setClock,
  setDisk,
  setLinks,
  type Action,
} from "./action";
import { rateText, runsTrue, skewMicros } from "./clock";
import type { Deed } from "./deeds";
import { slowDisk } from "./disk";
import { linkInit } from "./faults";
import { linkState, type LinkState } from "./links";
import type { Cluster, Message, Store } from "./state";
import { durationText } from "./text";
import { clockWords, diskWords, networkWords, wayWords } from "./words/fault";
import { storeName } from "./words/names";
import { HoldReason } from "../pb/sessionpb/v1/event_pb";
import { Capability } from "../pb/sessionpb/v1/session_pb";
import { CrashKeeps, CrashMoment, DiskFault } from "../pb/sessionpb/v1/fault_pb";

class Offer {
  readonly #can: Can;

  constructor(can: Can) {
    this.#can = can;
  }

  deed(name: string, detail: string, action: Action, refusal = "", danger = false): Deed {
    const why = refusalOf(action, this.#can) || refusal;
    return { name, detail, action: why ? null : action, refusal: why, danger };
  }

  /** Several behind one name; when all are refused, so is the whole. */
  group(name: string, detail: string, more: readonly Deed[]): Deed {
    const [first] = more;
    const refusal = more.every((d) => d.refusal !== "") ? first.refusal : "";
    return { name, detail, action: null, refusal, more };
  }
}

const jumpMicros = 5_000_000;

/** Of a store: its process, its disk, its clock; without the plain crash and restart. */
export function storeFaultDeeds(cluster: Cluster, store: Store, can: Can, nowMicros: number): readonly Deed[] {
  const offer = new Offer(can);
  const down = store.up ? "" : "it is down";
  const deeds: Deed[] = [];
  if (store.up) {
    const armed = store.crashMoment !== CrashMoment.UNSPECIFIED ? "it waits for that already" : "";
    deeds.push(
      offer.deed(
        "Crash before the next sync",
        "when its next batch is written and not yet synced",
        crashStore(store.id, { moment: CrashMoment.BEFORE_SYNC }),
        armed,
        true,
      ),
      offer.group("Crash in another way", "what is not synced stays in part, or is torn", [
        offer.deed("Crash, keeping some", "the first few unsynced batches stay, by chance", crashStore(store.id, { keeps: CrashKeeps.SOME }), "", true),
        offer.deed("Crash, tearing the last write", "all stay but the last, whose checksum is wrong", crashStore(store.id, { keeps: CrashKeeps.ALL_BUT_TORN }), "", true),
      ]),
      store.paused
        ? offer.deed("Resume", "it goes on where it stood", resumeStore(store.id))
        : offer.deed("Pause", "it stands still, as in a long garbage collection; time goes on", pauseStore(store.id)),
    );
  } else {
    deeds.push(offer.deed("Restart on an empty disk", "it has forgotten every vote and entry: Raft does not survive that", restartStore(store.id, true), "", true));
  }
  deeds.push(diskDeeds(offer, cluster, store, down), clockDeeds(offer, store, nowMicros));
  if (isUnwell(cluster, store, nowMicros)) deeds.push(offer.deed(`Heal ${storeName(store.id)}`, "ends all that is wrong with it", heal([store.id])));
  return deeds;
}

function isUnwell(cluster: Cluster, store: Store, nowMicros: number): boolean {
  return (
    !store.up ||
    store.paused ||
    store.diskFault !== DiskFault.UNSPECIFIED ||
    store.crashMoment !== CrashMoment.UNSPECIFIED ||
    ownDisk(cluster, store) ||
    clockWords(store.clock, nowMicros) !== ""
  );
}

function ownDisk(cluster: Cluster, store: Store): boolean {
  return cluster.config?.disks.some((d) => Number(d.storeId) === store.id) ?? false;
}

function diskDeeds(offer: Offer, cluster: Cluster, store: Store, down: string): Deed {
  const has = store.diskFault;
  const arm = (name: string, detail: string, fault: DiskFault) =>
    offer.deed(name, detail, failDisk(store.id, fault), has === fault ? "it is so already" : "", true);
  const slow = slowDisk(cluster.config);
  const own = ownDisk(cluster, store);
  const well = has === DiskFault.UNSPECIFIED && !own ? "nothing is wrong with it" : "";
  const mend = has === DiskFault.UNSPECIFIED ? setDisk(undefined, store.id) : failDisk(store.id, DiskFault.UNSPECIFIED);
  return offer.group("Disk", "slow, full, with errors", [
    offer.deed("Slow disk", diskWords(slow), setDisk(slow, store.id), own ? "it has settings of its own already" : ""),
    arm("Full disk", "every write fails, until it is mended", DiskFault.FULL),
    arm("Fail the next write", "the store stops: it never acknowledges what it could not keep", DiskFault.WRITE_ERROR),
    arm("Fail the next sync", "nobody knows then what is durable; the store stops", DiskFault.SYNC_ERROR),
    offer.deed("Change a byte of a value", "nobody notices: Raft does not survive that", corruptDisk(store.id), down, true),
    offer.deed("Mend the disk", has === DiskFault.UNSPECIFIED ? "as fast as the others" : "no fault any more", mend, well),
  ]);
}

function clockDeeds(offer: Offer, store: Store, nowMicros: number): Deed {
  const { clock } = store;
  const lateMicros = BigInt(clock.lateMicros);
  const run = (ratePpm: number, detail: string) =>
    offer.deed(`Run at ${rateText(ratePpm)}`, detail, setClock(store.id, { ratePpm, lateMicros }), clock.ratePpm === ratePpm ? "it does so already" : "");
  const jump = (name: string, micros: number) =>
    offer.deed(name, `by ${durationText(Math.abs(micros))}`, setClock(store.id, { ratePpm: clock.ratePpm, lateMicros }, micros));
  const skew = skewMicros(clock, nowMicros);
  const odd = clockWords(clock, nowMicros);
  return offer.group("Clock", odd || "faster, slower, a jump", [
    run(2_000_000, "its timers fire twice as soon"),
    run(500_000, "its timers fire half as soon: it believes in a lease for too long"),
    jump("Jump ahead", jumpMicros),
    jump("Jump back", -jumpMicros),
    offer.deed("Tick late", "each tick by up to 50 ms", setClock(store.id, { ratePpm: clock.ratePpm, lateMicros: 50_000n }), clock.lateMicros > 0 ? "it does so already" : ""),
    offer.deed("Set right", odd ? "true time from here on" : "true time", setClock(store.id, {}, -skew), runsTrue(clock) && odd === "" ? "it is right" : ""),
  ]);
}

/** Of a link, in both its directions. */
export function linkDeeds(cluster: Cluster, a: number, b: number, can: Can): readonly Deed[] {
  const offer = new Offer(can);
  const there = linkState(cluster.config, a, b);
  const back = linkState(cluster.config, b, a);
  const set = (...links: readonly LinkState[]) => setLinks(links.map(linkInit));
  const cut = (link: LinkState) =>
    offer.deed(`Cut ${wayWords(link.from, link.to)}`, `${storeName(link.to)} does not hear ${storeName(link.from)}`, set({ ...link, cut: true }), link.cut ? "it is cut" : "", true);
  const clog = (link: LinkState) =>
    link.clogged
      ? offer.deed(`Unclog ${wayWords(link.from, link.to)}`, "what waits arrives", set({ ...link, clogged: false }))
      : offer.deed(`Clog ${wayWords(link.from, link.to)}`, "what is sent waits until it flows again", set({ ...link, clogged: true }), link.cut ? "it is cut" : "");
  const own = (link: LinkState): Deed => {
    const refusal = can(Capability.CHANGE_NETWORK) ? refusalOf(set(link), can) : cannotWords(Capability.CHANGE_NETWORK);
    const detail = link.network ? networkWords(link.network) : "latency, loss and more";
    return { name: `Settings of ${wayWords(link.from, link.to)}…`, detail, action: null, refusal, asks: { kind: "link", from: link.from, to: link.to } };
  };
  const healthy = (l: LinkState): LinkState => ({ ...l, cut: false, clogged: false, network: null });
  const well = [there, back].every((l) => !l.cut && !l.clogged && !l.network);
  return [
    offer.deed(
      "Cut both ways",
      `${storeName(a)} and ${storeName(b)} do not hear each other`,
      set({ ...there, cut: true }, { ...back, cut: true }),
      there.cut && back.cut ? "it is cut" : "",
      true,
    ),
    cut(there),
    cut(back),
    clog(there),
    clog(back),
    own(there),
    own(back),
    offer.deed("Mend", "like every other link", set(healthy(there), healthy(back)), well ? "nothing is wrong with it" : ""),
  ];
}

const delayMicros = 500_000;

export function messageDeeds(message: Message, can: Can, nowMicros: number): readonly Deed[] {
  const offer = new Offer(can);
  const { id, held } = message;
  const wait = durationText(Math.max(0, message.dueMicros - nowMicros));
  const stuck = held === HoldReason.CLOGGED ? "its link is clogged: mend the link" : held === HoldReason.PAUSED ? `${storeName(message.to)} is paused: resume it` : "";
  const isHeld = held !== HoldReason.UNSPECIFIED;
  return [
    offer.deed("Deliver now", isHeld ? "although it is held" : `instead of in ${wait}`, deliverMessage(id)),
    offer.deed("Drop", `${storeName(message.to)} never gets it`, dropMessage(id), "", true),
    isHeld
      ? offer.deed("Release", "it goes on from where it is", releaseMessage(id), stuck)
      : offer.deed("Hold", "it waits where it is until it is released", holdMessage(id)),
    offer.deed("Delay", `by ${durationText(delayMicros)}; those behind it pass`, delayMessage(id, delayMicros), isHeld ? "it is held" : ""),
    offer.deed("Duplicate", "a copy is sent after it", duplicateMessage(id)),
  ];
}
