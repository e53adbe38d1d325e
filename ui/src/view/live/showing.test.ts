import { describe, expect, it } from "vitest";
import { MessageType } from "../../pb/sessionpb/v1/fault_pb";
import { everything, heartbeats, interestOf, messageTypes, refusedWords, showingWords, showsEverything, withoutTypes, wrongIn } from "./showing";

describe("what of a live cluster is shown", () => {
  it("is everything at first: empty lists on the wire", () => {
    expect(showsEverything(everything)).toBe(true);
    expect(showingWords(everything)).toBe("everything");
    expect(interestOf(everything)).toEqual({ regionIds: [], storeIds: [], withoutTypes: [], withoutTicks: false });
  });

  it("is said in words", () => {
    const quiet = withoutTypes(everything, heartbeats);
    const words = [
      quiet,
      { ...quiet, regions: [2], stores: [1, 3] },
      { ...everything, regions: [2, 5] },
      { ...everything, regions: [1, 2, 3, 4, 5], stores: [1, 2, 3, 4, 5, 6] },
      { ...everything, ticks: false },
      { ...quiet, ticks: false, stores: [2] },
      withoutTypes(everything, messageTypes),
      withoutTypes(everything, [MessageType.HEARTBEAT]),
      withoutTypes(everything, [...heartbeats, MessageType.APPEND_RESPONSE]),
      withoutTypes(everything, [...heartbeats, ...messageTypes.slice(5, 10)]),
      withoutTypes(everything, messageTypes.slice(9)),
    ].map(showingWords);
    expect(words).toEqual([
      "everything but heartbeats",
      "region 2 on S1, S3, without heartbeats",
      "regions 2 and 5",
      "5 regions on 6 stores",
      "everything but ticks",
      "everything on S2, without heartbeats and ticks",
      "everything but messages",
      "everything but leaders' heartbeats",
      "everything but heartbeats and append responses",
      "everything but heartbeats and 5 other kinds of messages",
      "everything but 10 kinds of messages",
    ]);
    expect(words.every((w) => !/undefined|NaN/.test(w))).toBe(true);
  });

  it("goes over the wire as it was chosen", () => {
    const chosen = withoutTypes({ ...everything, regions: [2], stores: [1, 3], ticks: false }, [MessageType.VOTE, MessageType.APPEND]);
    expect(showsEverything(chosen)).toBe(false);
    expect(interestOf(chosen)).toEqual({
      regionIds: [2n],
      storeIds: [1n, 3n],
      withoutTypes: [MessageType.APPEND, MessageType.VOTE],
      withoutTicks: true,
    });
  });

  it("says what the server refused, in a sentence", () => {
    const sentence = "The server refused this: more than 50 commands a second. What is shown stays as it was.";
    expect([refusedWords("more than 50 commands a second"), refusedWords("more than 50 commands a second. ")]).toEqual([sentence, sentence]);
  });

  it("names every type of message there is, once", () => {
    const known = Object.values(MessageType).filter((t) => typeof t === "number" && t !== MessageType.UNSPECIFIED);
    expect([...messageTypes].sort((a, b) => a - b)).toEqual(known);
    expect(heartbeats).toEqual([MessageType.HEARTBEAT, MessageType.HEARTBEAT_RESPONSE, MessageType.STORE_BEAT]);
  });

  it("is not nothing by mistake: an empty list would mean everything", () => {
    expect(wrongIn(everything)).toBe("");
    expect(wrongIn({ ...everything, regions: [] })).toMatch(/^No region is ticked/);
    expect(wrongIn({ ...everything, stores: [] })).toMatch(/^No store is ticked/);
  });
});
