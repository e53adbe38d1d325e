/**
 * What a person asked of a live cluster, with its answers. The cluster's own operations are of everybody's clients, and
 * do not say whose; so the page keeps what it asked itself.
 */
import type { Action } from "../model/action";
import type { Operation } from "../model/state";
import type { Reply } from "../pb/sessionpb/v1/session_pb";

const askedMax = 200;

class Asked {
  operations = $state.raw<readonly Operation[]>([]);
  #id = 0;

  /** Sends a proposal by send, and notes it and its answer; other actions are only sent. */
  async follow(action: Action, nowMicros: number, send: () => Promise<Reply | null>): Promise<Reply | null> {
    const propose = action.action.case === "propose" ? action.action.value : null;
    if (!propose?.request) return send();
    const id = ++this.#id;
    const began = performance.now();
    this.operations = [...this.operations, {
      id,
      toStore: Number(propose.storeId),
      request: propose.request,
      startedMicros: nowMicros,
      response: null,
      endedMicros: 0,
      worker: 0,
      retryOf: 0,
    }].slice(-askedMax);
    const reply = await send();
    const response = reply?.result.case === "act" ? reply.result.value.response : undefined;
    if (!response) {
      // Whoever asked is told why.
      this.operations = this.operations.filter((o) => o.id !== id);
      return reply;
    }
    const endedMicros = nowMicros + Math.max(1, Math.round((performance.now() - began) * 1000));
    this.operations = this.operations.map((o) => (o.id === id ? { ...o, response, endedMicros } : o));
    return reply;
  }

  clear(): void {
    this.operations = [];
  }
}

export const asked = new Asked();
