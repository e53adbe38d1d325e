/** A live cluster's words for tests: its numbers, its whole states, its events. */
import { create } from "@bufbuild/protobuf";
import { storeStates } from "../../model/testing/run";
import { EventSchema, KeyframeSchema, Role, type Event, type Keyframe, type LossReason } from "../../pb/sessionpb/v1/event_pb";
import { MessageType } from "../../pb/sessionpb/v1/fault_pb";

export class Story {
  #seq = 0n;

  keyframe(timeMicros = 0, more: { applied?: bigint } = {}): Keyframe {
    const stores = storeStates(3).map((s) => ({ ...s, peers: s.peers.map((p) => ({ ...p, ...more })) }));
    return create(KeyframeSchema, { seq: this.#seq, timeMicros: BigInt(timeMicros), config: { stores: 3, network: {}, disk: {} }, stores });
  }

  next(event: Event): Event {
    event.seq = ++this.#seq;
    return event;
  }

  sent(id: bigint, from: number, to: number, micros: number, type = MessageType.APPEND): Event {
    const message = { id, regionId: 1n, fromStore: BigInt(from), toStore: BigInt(to), type, sentMicros: BigInt(micros), entryTerms: [1n] };
    return this.#event(from, micros, { case: "messageSent", value: { message } });
  }

  delivered(id: bigint, store: number, micros: number): Event {
    return this.#event(store, micros, { case: "messageDelivered", value: { id } });
  }

  lost(id: bigint, store: number, micros: number, reason: LossReason): Event {
    return this.#event(store, micros, { case: "messageLost", value: { id, reason } });
  }

  ticked(store: number, micros: number): Event {
    return this.#event(store, micros, { case: "ticked", value: { timers: [] } });
  }

  elected(store: number, micros: number): Event {
    const value = { regionId: 1n, role: Role.LEADER, roleBefore: Role.CANDIDATE, term: 2n, termBefore: 2n };
    return this.#event(store, micros, { case: "roleChanged", value });
  }

  #event(store: number, micros: number, body: NonNullable<Parameters<typeof create<typeof EventSchema>>[1]>["body"]): Event {
    return this.next(create(EventSchema, { storeId: BigInt(store), timeMicros: BigInt(micros), body }));
  }
}
