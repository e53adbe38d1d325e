import { describe, expect, it } from "vitest";
import { HoldReason } from "../../pb/sessionpb/v1/event_pb";
import type { Message } from "../../model/state";
import { queueMax, queueOf } from "./queue";

const held = (id: number, legFrom: number, more: Partial<Message> = {}) =>
  ({ id, from: 1, to: 2, held: HoldReason.CLOGGED, legFrom, legMicros: id, doomed: false, ...more }) as Message;
const way = () => 210;

describe("held messages", () => {
  it("rest where they were held", () => {
    const { places, hidden } = queueOf([held(1, 0.5, { held: HoldReason.BY_HAND })], way);
    expect([...places]).toEqual([[1, 0.5]]);
    expect(hidden.size).toBe(0);
  });
  it("stand one behind the other, who came first at the door", () => {
    const { places } = queueOf([held(1, 1), held(2, 1), held(3, 1)], way);
    expect([1, 2, 3].map((id) => Number(places.get(id)!.toFixed(2)))).toEqual([0.92, 0.82, 0.72]);
  });
  it("do not go in each other's way where there is room", () => {
    const { places } = queueOf([held(1, 0.3), held(2, 1), held(3, 0.28)], way);
    expect([2, 1, 3].map((id) => Number(places.get(id)!.toFixed(2)))).toEqual([0.92, 0.3, 0.2]);
  });
  it("stand before their sender when a filter holds them as they leave", () => {
    const { places } = queueOf([held(1, 0, { held: HoldReason.FILTER })], way);
    expect(Number(places.get(1)!.toFixed(2))).toBe(0.11);
  });
  it("are counted where they are many", () => {
    const { hidden, more } = queueOf(Array.from({ length: 30 }, (_, i) => held(i + 1, 1)), way);
    expect(hidden.size).toBe(30 - queueMax);
    expect(more).toMatchObject([{ count: 30 - queueMax, behind: { id: queueMax } }]);
  });
  it("leave those that fly alone", () => {
    expect(queueOf([held(1, 0.5, { held: HoldReason.UNSPECIFIED })], way).places.size).toBe(0);
  });
});
