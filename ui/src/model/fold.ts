/** The fold: (cluster, event) → cluster. Pure; every view of the page is made of its result. */
import type { Event, Keyframe, PeerTimer, RoleChanged, StoreState } from "../pb/sessionpb/v1/event_pb";
import { Role } from "../pb/sessionpb/v1/event_pb";
import { MessageType } from "../pb/sessionpb/v1/fault_pb";
import { foldFault } from "./fold/fault";
import { synced, withChanges, writing, written } from "./fold/log";
import { foldRegion, whereabouts } from "./fold/region";
import { replaced, withPeer, withStore } from "./fold/update";
import { clockOf, mergeProgress, messageOf, operationOf, storeOf, timerOf, violationOf } from "./fold/wire";
import type { Cluster, LostMessage, Operation, Peer, Store, Timer } from "./state";

export { messageOf, operationOf } from "./fold/wire";

export const lostMax = 32;
export const operationsMax = 200;
export const violationsMax = 100;

/** The whole state that a keyframe holds. */
export function fromKeyframe(keyframe: Keyframe): Cluster {
  return withStores(
    {
      seq: Number(keyframe.seq),
      timeMicros: Number(keyframe.timeMicros),
      config: keyframe.config ?? null,
      stores: [],
      messages: keyframe.messages.map(messageOf),
      lost: [],
      operations: keyframe.operations.map(operationOf),
      violations: [],
      peerStores: new Map(),
    },
    keyframe.stores,
  );
}

/** The cluster just after an event. */
export function fold(cluster: Cluster, event: Event): Cluster {
  const next = foldBody(cluster, event);
  return { ...next, seq: Number(event.seq), timeMicros: Number(event.timeMicros) };
}

function foldBody(cluster: Cluster, event: Event): Cluster {
  const body = event.body;
  const storeId = Number(event.storeId);
  const timeMicros = Number(event.timeMicros);
  switch (body.case) {
    case "runStarted":
      return withStores(
        { ...cluster, config: body.value.config ?? null, messages: [], lost: [], operations: [], violations: [] },
        body.value.stores,
      );
    case "ticked":
      return withStore(cluster, storeId, (store) => withTimers(store, body.value.timers));
    case "messageSent":
      return body.value.message
        ? { ...cluster, messages: [...cluster.messages, messageOf(body.value.message)] }
        : cluster;
    case "messageDelivered":
      return delivered(cluster, Number(body.value.id));
    case "messageLost": {
      const id = Number(body.value.id);
      const message = cluster.messages.find((m) => m.id === id);
      if (!message) return cluster;
      const lost: LostMessage = {
        message,
        reason: body.value.reason,
        why: body.value.why,
        timeMicros,
        seq: Number(event.seq),
      };
      return {
        ...cluster,
        messages: cluster.messages.filter((m) => m !== message),
        lost: [...cluster.lost.slice(1 - lostMax), lost],
      };
    }
    case "roleChanged":
      return withPeer(cluster, storeId, body.value.regionId, (peer) => turned(cluster, peer, body.value));
    case "writeStarted":
      return withStore(cluster, storeId, (store) => writing(store, body.value, timeMicros));
    case "written":
      return withStore(cluster, storeId, (store) => written(store, Number(body.value.writeId)));
    case "synced":
      return withStore(cluster, storeId, (store) => synced(store, Number(body.value.writeId)));
    case "committed":
      return withPeer(cluster, storeId, body.value.regionId, (peer) => ({
        ...peer,
        commit: Number(body.value.index),
      }));
    case "applied":
      return withPeer(cluster, storeId, body.value.regionId, (peer) => {
        const applied = { ...peer, applied: Number(body.value.index) };
        if (body.value.changes.length === 0) return applied;
        return { ...applied, ...withChanges(peer.keys, peer.keysTotal, body.value.changes) };
      });
    case "progressChanged":
      return withPeer(cluster, storeId, body.value.regionId, (peer) => ({
        ...peer,
        progress: mergeProgress(peer.progress, body.value.progress, cluster.peerStores),
      }));
    case "operationStarted":
      return body.value.operation
        ? {
            ...cluster,
            operations: withOperation(cluster.operations, operationOf(body.value.operation)),
          }
        : cluster;
    case "operationEnded": {
      const id = Number(body.value.id);
      const at = cluster.operations.findLastIndex((o) => o.id === id);
      if (at < 0) return cluster;
      const ended = { ...cluster.operations[at], response: body.value.response ?? null, endedMicros: timeMicros };
      return { ...cluster, operations: replaced(cluster.operations, at, ended) };
    }
    case "storeStopped":
    case "storeCrashed": {
      // What is left is what the disk holds.
      const state = body.value.store;
      return withStore(cluster, storeId, (store) =>
        state ? storeOf(state, cluster.peerStores, store.clock) : { ...store, up: false, paused: false, writes: [] },
      );
    }
    case "storeStarted": {
      const state = body.value.store;
      if (!state) return cluster;
      // The machine's clock goes on while the process is gone.
      return withStore(cluster, storeId, (store) => storeOf(state, cluster.peerStores, store.clock));
    }
    case "storeShown":
      if (!body.value.store) return cluster;
      return withShownStore(body.value.eventsLeftOut > 0n ? landedAt(cluster, storeId) : cluster, body.value.store, timeMicros);
    case "electionTimeoutSet": {
      const timer = body.value.timer;
      return timer ? withStore(cluster, storeId, (store) => withTimers(store, [timer])) : cluster;
    }
    case "settingsChanged":
    case "messageHeld":
    case "messageRescheduled":
    case "storePaused":
    case "storeResumed":
    case "faultArmed":
    case "clockSet":
      return foldFault(cluster, storeId, body, timeMicros);
    case "storeAdded":
      return body.value.store ? withAddedStore(cluster, body.value.store, timeMicros) : cluster;
    case "peerCreated":
    case "peerDestroyed":
    case "regionChanged":
    case "logCompacted":
    case "snapshotProgress":
    case "snapshotRestored":
    case "transferStarted":
      return foldRegion(cluster, storeId, body);
    case "violation":
      return {
        ...cluster,
        violations: [...cluster.violations.slice(1 - violationsMax), violationOf(event, body.value)],
      };
    default:
      return cluster;
  }
}

// Parts of the fold.

/** Clients that work by themselves are many and busy: a person's own commands are counted apart from theirs. */
function withOperation(operations: readonly Operation[], begun: Operation): readonly Operation[] {
  const person = begun.worker === 0;
  const next = [...operations, begun];
  let total = 0;
  for (const o of next) if ((o.worker === 0) === person) total++;
  if (total <= operationsMax) return next;
  next.splice(next.findIndex((o) => (o.worker === 0) === person), 1);
  return next;
}

/** A delivered vote counts for the (pre-)candidate it reaches. */
function delivered(cluster: Cluster, id: number): Cluster {
  const message = cluster.messages.find((m) => m.id === id);
  if (!message) return cluster;
  const next = { ...cluster, messages: cluster.messages.filter((m) => m !== message) };
  const isVote = message.type === MessageType.VOTE_RESPONSE;
  const isPreVote = message.type === MessageType.PRE_VOTE_RESPONSE;
  if ((!isVote && !isPreVote) || message.reject) return next;
  return withPeer(next, message.to, BigInt(message.regionId), (peer) => {
    // A granted pre-vote carries the term of the election to come.
    const counts = isVote
      ? peer.role === Role.CANDIDATE && message.term === peer.term
      : peer.role === Role.PRE_CANDIDATE && message.term === peer.term + 1;
    if (!counts || peer.votes.includes(message.from)) return peer;
    return { ...peer, votes: [...peer.votes, message.from].sort((a, b) => a - b) };
  });
}

function turned(cluster: Cluster, peer: Peer, change: RoleChanged): Peer {
  const store = (id: bigint) => cluster.peerStores.get(Number(id)) ?? 0;
  const role = change.role;
  let votes: readonly number[] = [];
  if (role === Role.LEADER) {
    votes = change.votes.map(store).sort((a, b) => a - b);
    if (votes.length === 0) votes = peer.role === Role.LEADER ? peer.votes : [peer.storeId];
  } else if (role === Role.CANDIDATE || role === Role.PRE_CANDIDATE) {
    votes = role === peer.role && Number(change.term) === peer.term ? peer.votes : [peer.storeId];
  }
  return {
    ...peer,
    role,
    term: Number(change.term),
    vote: store(change.vote),
    leader: store(change.leader),
    votes,
    progress: role === Role.LEADER ? peer.progress : [],
    transferTo: role === Role.LEADER ? peer.transferTo : 0,
    timer: change.timer ? timerOf(change.timer) : peer.timer,
  };
}

function withTimers(store: Store, timers: readonly PeerTimer[]): Store {
  let peers = store.peers;
  for (const timer of timers) {
    const at = peers.findIndex((p) => p.regionId === Number(timer.regionId));
    if (at >= 0) peers = replaced(peers, at, ticked(peers[at], timerOf(timer)));
  }
  return { ...store, peers };
}

/** A leader gives up handing over when its timer has gone round once. */
function ticked(peer: Peer, timer: Timer): Peer {
  const round = peer.transferTo !== 0 && timer.elapsedTicks < peer.timer.elapsedTicks;
  return { ...peer, timer, transferTo: round ? 0 : peer.transferTo };
}

function withStores(cluster: Cluster, states: readonly StoreState[]): Cluster {
  const peerStores = whereabouts(new Map(), states);
  const clocks = cluster.config?.clocks ?? [];
  const stores = states
    .map((s) => storeOf(s, peerStores, clockOf(s, clocks, cluster.timeMicros)))
    .sort((a, b) => a.id - b.id);
  return { ...cluster, stores, peerStores };
}

/** What was on its way to a store has ended in the events of it that were left out. */
export function landedAt(cluster: Cluster, storeId: number): Cluster {
  return { ...cluster, messages: cluster.messages.filter((m) => m.to !== storeId) };
}

/** The store as it stands, known before or not. */
function withShownStore(cluster: Cluster, state: StoreState, timeMicros: number): Cluster {
  const id = Number(state.id);
  if (!cluster.stores.some((s) => s.id === id)) return withAddedStore(cluster, state, timeMicros);
  const peerStores = whereabouts(cluster.peerStores, [state]);
  return withStore({ ...cluster, peerStores }, id, (store) => storeOf(state, peerStores, store.clock));
}

function withAddedStore(cluster: Cluster, state: StoreState, timeMicros: number): Cluster {
  const peerStores = whereabouts(cluster.peerStores, [state]);
  const others = cluster.stores.filter((s) => s.id !== Number(state.id));
  const clock = clockOf(state, [], timeMicros);
  const stores = [...others, storeOf(state, peerStores, clock)].sort((a, b) => a.id - b.id);
  return { ...cluster, stores, peerStores };
}
