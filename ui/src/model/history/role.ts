/** The roles of peers over time: each as long as nothing of it changes. */
import type { Role } from "../../pb/sessionpb/v1/event_pb";
import { isLearner } from "../members";
import type { Peer, Store } from "../state";

export interface RoleSpan {
  readonly storeId: number;
  readonly regionId: number;
  readonly role: Role;
  readonly term: number;
  readonly up: boolean;
  readonly learner: boolean;
  /** It waits for its first snapshot. */
  readonly waiting: boolean;
  /** Its store stands still. */
  readonly paused: boolean;
  readonly fromMicros: number;
  readonly fromSeq: number;
  /** null while it lasts. */
  readonly toMicros: number | null;
  readonly toSeq: number | null;
}

/** Of each store's peers, see spanKey; each list ascending in time. */
export type RoleSpans = ReadonlyMap<string, readonly RoleSpan[]>;

export function spanKey(storeId: number, regionId: number): string {
  return `${storeId}/${regionId}`;
}

/** Those that begin with a whole state. */
export function spansFrom(stores: readonly Store[], micros: number, seq: number): RoleSpans {
  return new Map(
    stores.flatMap((store) => store.peers.map((peer) => [spanKey(store.id, peer.regionId), [openSpan(peer, store, micros, seq)]] as const)),
  );
}

/** The roles as they were known at an event. */
export function spansAt(spans: RoleSpans, seq: number): RoleSpans {
  const open = (s: RoleSpan) => (s.toSeq !== null && s.toSeq > seq ? { ...s, toMicros: null, toSeq: null } : s);
  return new Map([...spans].map(([key, list]) => [key, list.filter((s) => s.fromSeq <= seq).map(open)] as const));
}

function openSpan(peer: Peer, { up, paused }: Store, fromMicros: number, fromSeq: number): RoleSpan {
  return {
    storeId: peer.storeId,
    regionId: peer.regionId,
    role: peer.role,
    term: peer.term,
    up,
    learner: isLearner(peer),
    waiting: peer.uninitialized,
    paused,
    fromMicros,
    fromSeq,
    toMicros: null,
    toSeq: null,
  };
}

function sameState(a: RoleSpan, b: RoleSpan): boolean {
  return a.role === b.role && a.term === b.term && a.up === b.up && a.learner === b.learner && a.waiting === b.waiting && a.paused === b.paused;
}

/** Roles while events are added to them. */
export class RoleDraft {
  #spans: Map<string, readonly RoleSpan[]>;

  constructor(spans: RoleSpans) {
    this.#spans = new Map(spans);
  }

  get spans(): RoleSpans {
    return this.#spans;
  }

  /** The store as it is after an event: what has changed of its peers begins there. */
  turn(store: Store, micros: number, seq: number): void {
    for (const peer of store.peers) {
      const key = spanKey(store.id, peer.regionId);
      const next = openSpan(peer, store, micros, seq);
      const open = this.#open(key);
      if (open && sameState(open, next)) continue;
      this.#close(key, micros, seq);
      this.#spans.set(key, [...(this.#spans.get(key) ?? []), next]);
    }
    // A peer that is gone has no state any more.
    for (const [key, spans] of this.#spans) {
      const last = spans[spans.length - 1];
      if (last?.storeId !== store.id || last.toSeq !== null) continue;
      if (!store.peers.some((p) => p.regionId === last.regionId)) this.#close(key, micros, seq);
    }
  }

  /** Drops those that ended before an event. */
  forget(seq: number): void {
    for (const [key, spans] of this.#spans) {
      this.#spans.set(
        key,
        spans.filter((s) => s.toSeq === null || s.toSeq >= seq),
      );
    }
  }

  #open(key: string): RoleSpan | undefined {
    const last = this.#spans.get(key)?.at(-1);
    return last?.toSeq === null ? last : undefined;
  }

  #close(key: string, toMicros: number, toSeq: number): void {
    const open = this.#open(key);
    if (!open) return;
    const spans = this.#spans.get(key)!.slice(0, -1);
    this.#spans.set(key, [...spans, { ...open, toMicros, toSeq }]);
  }
}
