/**
 * What a viewer knows of a cluster at one instant. Every value is immutable: the fold makes new ones and shares what did
 * not change, so `===` tells whether a part changed. Ids, indexes, terms and times are numbers (all stay below 2^53);
 * times are virtual microseconds. Client ids stay bigint.
 */
import type { Role, EntryType, HoldReason, LossReason } from "../pb/sessionpb/v1/event_pb";
import type { CrashKeeps, CrashMoment, DiskFault, MessageType } from "../pb/sessionpb/v1/fault_pb";
import type { Config } from "../pb/sessionpb/v1/run_pb";
import type { PeerRole } from "../pb/metapb/v1/metapb_pb";
import type { RaftCommandRequest, RaftCommandResponse, ProgressState } from "../pb/raftcmdpb/v1/raftcmdpb_pb";

export interface Cluster {
  /** The last event folded in; 0 before any. */
  readonly seq: number;
  /** The virtual time of that event. */
  readonly timeMicros: number;
  /** With the settings of network, links, filters and disks that are in force now. */
  readonly config: Config | null;
  /** By id, ascending. */
  readonly stores: readonly Store[];
  /** In flight, in the order they were sent. Their number equals the simulated network's. */
  readonly messages: readonly Message[];
  /** The newest losses, newest last, at most 32: the view's own clock tells which of them the eye still sees. */
  readonly lost: readonly LostMessage[];
  /** In the order in which they began; of a person's and of the working clients' at most the newest 200 each. */
  readonly operations: readonly Operation[];
  readonly violations: readonly Violation[];
  /** Which store holds a peer, by peer id. */
  readonly peerStores: ReadonlyMap<number, number>;
}

export const noCluster: Cluster = {
  seq: 0,
  timeMicros: 0,
  config: null,
  stores: [],
  messages: [],
  lost: [],
  operations: [],
  violations: [],
  peerStores: new Map(),
};

export interface Store {
  readonly id: number;
  readonly up: boolean;
  readonly stoppedReason: string;
  /** By region id, ascending. */
  readonly peers: readonly Peer[];
  /** Handed to the disk and not finished: written (in the engine, lost by a crash) or not even that. */
  readonly writes: readonly Write[];
  /** Snapshots that it is sending, in the order in which they began. */
  readonly snapshots: readonly SnapshotTransfer[];
  /** Its process stands still: it neither ticks nor hears nor answers. */
  readonly paused: boolean;
  /** What its disk will do wrong, or does. */
  readonly diskFault: DiskFault;
  /** Whether it will crash by itself, and what that crash leaves. */
  readonly crashMoment: CrashMoment;
  readonly crashKeeps: CrashKeeps;
  readonly clock: StoreClock;
}

/** A store's own clock: what it showed at a moment, and how it runs since. */
export interface StoreClock {
  /** 1,000,000 is true time. */
  readonly ratePpm: number;
  /** Each tick comes late by up to so much. */
  readonly lateMicros: number;
  readonly atMicros: number;
  readonly localMicros: number;
}

/** A region as one store knows it. */
export interface Region {
  readonly id: number;
  readonly start: Uint8Array;
  /** Empty: no end. */
  readonly end: Uint8Array;
  /** The epoch: confVer rises with each change of members, version with each split. */
  readonly confVer: number;
  readonly version: number;
  /** By store id, ascending. */
  readonly members: readonly Member[];
}

export interface Member {
  readonly peerId: number;
  readonly storeId: number;
  readonly role: PeerRole;
}

export interface SnapshotTransfer {
  readonly id: number;
  readonly regionId: number;
  readonly from: number;
  readonly to: number;
  readonly index: number;
  readonly term: number;
  /** What the receiver has, and about how much all is. */
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface Peer {
  readonly regionId: number;
  readonly region: Region;
  /** It waits for its first snapshot and knows no more of its region than the id. */
  readonly uninitialized: boolean;
  readonly peerId: number;
  readonly storeId: number;
  readonly role: Role;
  readonly term: number;
  /** The store voted for in this term; 0 is none. */
  readonly vote: number;
  /** The store known as leader; 0 is none. */
  readonly leader: number;
  readonly commit: number;
  readonly applied: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** The last entry a crash would keep. */
  readonly syncedIndex: number;
  /** Newest last, at most 1,000, without gaps; the last one's index is lastIndex. */
  readonly entries: readonly Entry[];
  readonly timer: Timer;
  /** (Pre-)votes received by a (pre-)candidate, as store ids, itself included. */
  readonly votes: readonly number[];
  /** What a leader knows of the others, by store id, ascending; empty on others. */
  readonly progress: readonly Progress[];
  /** By key. */
  readonly keys: readonly KeyRecord[];
  /** All keys, also those beyond the first 1,000 that `keys` holds. */
  readonly keysTotal: number;
  /** The store to which this leader is handing over; 0 when it is not. */
  readonly transferTo: number;
}

export interface Timer {
  readonly elapsedTicks: number;
  readonly timeoutTicks: number;
}

export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly type: EntryType;
  /** In words: "put city Kyoto", "new term". */
  readonly words: string;
  readonly sizeBytes: number;
}

export interface Progress {
  readonly peerId: number;
  /** 0 while nothing has told where the peer is. */
  readonly storeId: number;
  readonly match: number;
  readonly next: number;
  readonly state: ProgressState;
  readonly recentActive: boolean;
  readonly learner: boolean;
  /** The entry at which the snapshot under way to it stands; 0 when there is none. */
  readonly pendingSnapshot: number;
}

export interface KeyRecord {
  /** As text when it is UTF-8, else as 0x… */
  readonly key: string;
  readonly keyBytes: Uint8Array;
  readonly value: string;
  readonly valueSizeBytes: number;
  readonly revision: number;
}

export interface Write {
  readonly id: number;
  readonly mustSync: boolean;
  readonly sizeBytes: number;
  readonly startedMicros: number;
  readonly writtenDueMicros: number;
  readonly syncedDueMicros: number;
  readonly written: boolean;
  /** What this write does to the log of each region it touches. */
  readonly logs: readonly LogWrite[];
}

export interface LogWrite {
  readonly regionId: number;
  /** The first entry it writes; 0 when it writes none. */
  readonly firstIndex: number;
  /** The last entry the log has once this write is durable. */
  readonly lastIndex: number;
}

export interface Message {
  readonly id: number;
  readonly regionId: number;
  readonly from: number;
  readonly to: number;
  readonly type: MessageType;
  readonly term: number;
  readonly logTerm: number;
  readonly index: number;
  readonly commit: number;
  readonly reject: boolean;
  readonly rejectHint: number;
  readonly entryTerms: readonly number[];
  readonly readContext: boolean;
  readonly snapshotIndex: number;
  /** Of a snapshot's chunk: its number, from 1; of an acknowledgement: the chunk wanted next. */
  readonly chunk: number;
  readonly lastChunk: boolean;
  /** Of a snapshot's chunk: what has been sent with it, and about how much all is. */
  readonly snapshotBytes: number;
  readonly snapshotBytesTotal: number;
  readonly sizeBytes: number;
  readonly sentMicros: number;
  readonly dueMicros: number;
  readonly doomed: boolean;
  /** The message it is a copy of; 0 when it is none. */
  readonly copyOf: number;
  /** Why it waits where it is; its due time says nothing then. */
  readonly held: HoldReason;
  /** It was made to arrive later than it would have. */
  readonly late: boolean;
  /** When its way last changed, and how far along it was then, from 0 to 1; see journey. */
  readonly legMicros: number;
  readonly legFrom: number;
}

export interface LostMessage {
  readonly message: Message;
  readonly reason: LossReason;
  readonly why: string;
  readonly timeMicros: number;
  readonly seq: number;
}

export interface Operation {
  readonly id: number;
  readonly toStore: number;
  readonly request: RaftCommandRequest;
  readonly startedMicros: number;
  readonly response: RaftCommandResponse | null;
  readonly endedMicros: number;
  /** Which of the clients that work by themselves, from 1; 0 is a person's. */
  readonly worker: number;
  /** The first attempt of the same request, if this is a later one; else 0. */
  readonly retryOf: number;
}

export interface Violation {
  readonly seq: number;
  readonly timeMicros: number;
  readonly judge: string;
  readonly message: string;
  /** 0 when it is about no region in particular. */
  readonly regionId: number;
  readonly storeIds: readonly number[];
  readonly index: number;
  readonly term: number;
  readonly evidenceSeqs: readonly number[];
}
