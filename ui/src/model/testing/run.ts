/** Hand-made events for tests: short to write, whole on the wire's terms. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { PeerRole, type RegionSchema } from "../../pb/metapb/v1/metapb_pb";
import { RaftCommandRequestSchema, type RaftCommandRequest } from "../../pb/raftcmdpb/v1/raftcmdpb_pb";
import { EntryType, EventSchema, KeyframeSchema, LogEntrySchema, MessageSchema, Role, type Event, type Keyframe, type LogEntry, type Message, type RegionChangeReason } from "../../pb/sessionpb/v1/event_pb";
import { MessageType } from "../../pb/sessionpb/v1/fault_pb";
import { toBinary } from "@bufbuild/protobuf";
import { textBytes } from "../text";

type Body = Exclude<MessageInitShape<typeof EventSchema>["body"], undefined>;

/** Peers have ids of their own: 100 + the store's. */
export function peerId(store: number): bigint {
  return BigInt(100 + store);
}

type RegionInit = MessageInitShape<typeof RegionSchema>;

/** A region by its range and its members; by store, a voter unless another role is given. */
export function region(
  id: number,
  members: readonly (number | readonly [store: number, role: PeerRole])[],
  more: { start?: string; end?: string; confVer?: number; version?: number } = {},
): RegionInit {
  return {
    id: BigInt(id),
    startKey: textBytes(more.start ?? ""),
    endKey: textBytes(more.end ?? ""),
    regionEpoch: { confVer: BigInt(more.confVer ?? 1), version: BigInt(more.version ?? 1) },
    peers: members.map((m) => {
      const [store, role] = typeof m === "number" ? [m, PeerRole.VOTER] : m;
      // A peer of another region is another peer.
      return { id: peerId(store) + BigInt((id - 1) * 100), storeId: BigInt(store), role };
    }),
  };
}

export function storeStates(count: number) {
  const ids = Array.from({ length: count }, (_, i) => i + 1);
  const first = region(1, ids);
  return ids.map((id) => ({
    id: BigInt(id),
    up: true,
    peers: [
      {
        region: first,
        peerId: peerId(id),
        role: Role.FOLLOWER,
        firstIndex: 1n,
        timer: { regionId: 1n, elapsedTicks: 0, timeoutTicks: 10 + id },
      },
    ],
  }));
}

/** Numbers events and gives each a time of its own, a millisecond after the one before. */
export class Script {
  readonly events: Event[] = [];
  #seq = 0n;
  #micros = 0n;

  constructor(stores = 3) {
    this.add(0, {
      case: "runStarted",
      value: {
        config: {
          seed: 42n,
          stores,
          network: { latencyMicros: 20_000n },
          disk: { fsyncMicros: 4000n },
          raft: { baseTickMicros: 100_000n },
        },
        stores: storeStates(stores),
      },
    });
  }

  add(storeId: number, body: Body): Event {
    this.#seq++;
    this.#micros += 1000n;
    const event = create(EventSchema, {
      seq: this.#seq,
      step: this.#seq,
      timeMicros: this.#micros,
      storeId: BigInt(storeId),
      body,
    });
    this.events.push(event);
    return event;
  }

  get seq(): number {
    return Number(this.#seq);
  }

  get micros(): number {
    return Number(this.#micros);
  }

  turn(store: number, role: Role, term: number, more: { vote?: number; leader?: number; votes?: number[]; before?: Role; termBefore?: number } = {}): Event {
    return this.add(store, {
      case: "roleChanged",
      value: {
        regionId: 1n,
        role,
        roleBefore: more.before ?? Role.FOLLOWER,
        term: BigInt(term),
        termBefore: BigInt(more.termBefore ?? term),
        vote: more.vote ? peerId(more.vote) : 0n,
        leader: more.leader ? peerId(more.leader) : 0n,
        votes: (more.votes ?? []).map(peerId),
        timer: { regionId: 1n, elapsedTicks: 0, timeoutTicks: 15 },
      },
    });
  }

  send(id: number, from: number, to: number, type: MessageType, more: MessageInitShape<typeof MessageSchema> = {}): Event {
    return this.add(from, { case: "messageSent", value: { message: message(id, from, to, type, this.micros + 1000, more) } });
  }

  deliver(id: number, to: number): Event {
    return this.add(to, { case: "messageDelivered", value: { id: BigInt(id) } });
  }

  /** Hands entries to the disk. */
  write(store: number, writeId: number, entries: LogEntry[], lastIndex: number, term = 1): Event {
    return this.add(store, {
      case: "writeStarted",
      value: {
        writeId: BigInt(writeId),
        mustSync: true,
        sizeBytes: 64,
        writtenDueMicros: BigInt(this.micros + 2000),
        syncedDueMicros: BigInt(this.micros + 6000),
        peers: [
          { regionId: 1n, term: BigInt(term), firstIndex: entries[0]?.index ?? 0n, entries, lastIndex: BigInt(lastIndex) },
        ],
      },
    });
  }

  /** A store applies a change of its region. */
  change(store: number, before: RegionInit, now: RegionInit, reason: RegionChangeReason, index = 1): Event {
    return this.add(store, {
      case: "regionChanged",
      value: { region: now, regionBefore: before, reason, index: BigInt(index) },
    });
  }

  sync(store: number, writeId: number): Event {
    return this.add(store, { case: "synced", value: { writeId: BigInt(writeId) } });
  }
}

export function message(
  id: number,
  from: number,
  to: number,
  type: MessageType,
  sentMicros: number,
  more: MessageInitShape<typeof MessageSchema> = {},
): Message {
  return create(MessageSchema, {
    id: BigInt(id),
    regionId: 1n,
    fromStore: BigInt(from),
    toStore: BigInt(to),
    fromPeer: peerId(from),
    toPeer: peerId(to),
    type,
    term: 1n,
    sentMicros: BigInt(sentMicros),
    dueMicros: BigInt(sentMicros + 20_000),
    ...(more as object),
  });
}

export function put(key: string, value: string): RaftCommandRequest {
  return create(RaftCommandRequestSchema, {
    requests: [{ request: { case: "put", value: { key: textBytes(key), value: textBytes(value) } } }],
  });
}

export function entry(index: number, term: number, command?: RaftCommandRequest): LogEntry {
  return create(LogEntrySchema, {
    index: BigInt(index),
    term: BigInt(term),
    type: command ? EntryType.COMMAND : EntryType.EMPTY,
    command: command ? toBinary(RaftCommandRequestSchema, command) : new Uint8Array(),
    digest: command ? BigInt(index * 1000 + term) : 1n,
  });
}

export function keyframe(seq: number, stores = 3): Keyframe {
  return create(KeyframeSchema, {
    seq: BigInt(seq),
    step: BigInt(seq),
    timeMicros: BigInt(seq * 1000),
    config: { seed: 42n, stores },
    stores: storeStates(stores),
  });
}

/** S1 is elected in term 1 by S1 and S2, with the messages that belong to it. */
export function elect(script: Script): void {
  script.turn(1, Role.CANDIDATE, 1, { vote: 1, termBefore: 0 });
  script.send(1, 1, 2, MessageType.VOTE);
  script.send(2, 1, 3, MessageType.VOTE);
  script.deliver(1, 2);
  script.turn(2, Role.FOLLOWER, 1, { vote: 1, termBefore: 0 });
  script.send(3, 2, 1, MessageType.VOTE_RESPONSE);
  script.deliver(3, 1);
  script.turn(1, Role.LEADER, 1, { vote: 1, leader: 1, votes: [1, 2], before: Role.CANDIDATE });
}
