import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CommandSchema, type Frame } from "../pb/sessionpb/v1/session_pb";
import { FakeSocket } from "./testing";
import { Websocket, type Link } from "./websocket";

const hello = { protocolVersion: 1, version: "0.1.0" };

beforeEach(() => {
  FakeSocket.all = [];
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("window", globalThis);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function connected(token = "") {
  const links: Link[] = [];
  const frames: { frame: Frame; first: boolean }[] = [];
  const socket = new Websocket("ws://here/api/live", token, {
    frame: (frame, first) => frames.push({ frame, first }),
    link: (link) => links.push(link),
  });
  socket.open();
  const wire = FakeSocket.all[0];
  wire.onopen?.();
  return { socket, wire, links, frames };
}

const last = <T>(list: readonly T[]) => list[list.length - 1];

describe("the connection to a live cluster", () => {
  it("says who asks in the first request, and never in the address", () => {
    const { wire } = connected("secret");
    expect(wire.protocol).toBe("raftplay.v1");
    expect(wire.url).not.toContain("secret");
    expect(wire.requests[0].attach).toMatchObject({ protocolVersion: 1, token: "secret" });
  });

  it("says what it wants to be told whenever it attaches, as it was chosen last", () => {
    const { socket, wire } = connected();
    expect(wire.requests[0].attach?.interest).toMatchObject({ storeIds: [], withoutTypes: [] });
    wire.tell({ hello });
    expect(socket.outdated).toBe(false);
    socket.interest = { storeIds: [3n], withoutTicks: true };
    expect(socket.outdated).toBe(true);
    wire.end(1006);
    vi.advanceTimersByTime(1000);
    last(FakeSocket.all).onopen?.();
    expect(last(FakeSocket.all).requests[0].attach?.interest).toMatchObject({ storeIds: [3n], withoutTicks: true });
    expect(socket.outdated).toBe(false);
  });

  it("asks again on each answer, and not before: commands go along", () => {
    const { socket, wire, links } = connected();
    wire.tell({ hello });
    expect(last(links).kind).toBe("attached");
    expect(wire.requests.length).toBe(2);
    socket.send(create(CommandSchema, { id: 7n, command: { case: "getKeyframe", value: {} } }));
    expect(wire.requests.length).toBe(2);
    wire.tell({});
    expect(wire.requests[2].commands.map((c) => c.id)).toEqual([7n]);
    expect(wire.requests[2].attach).toBeUndefined();
  });

  it("does not send after a new connection what the one before no longer took", () => {
    const { socket, wire } = connected();
    wire.tell({ hello });
    socket.send(create(CommandSchema, { id: 7n, command: { case: "getKeyframe", value: {} } }));
    wire.end(1006);
    vi.advanceTimersByTime(1000);
    const second = last(FakeSocket.all);
    second.onopen?.();
    second.tell({ hello });
    expect(second.requests.flatMap((r) => r.commands)).toEqual([]);
  });

  it("comes again when the connection broke, later each time, and says so", () => {
    const { wire, links, frames } = connected();
    wire.tell({ hello });
    wire.end(1006);
    expect(last(links)).toMatchObject({ kind: "waiting", sentence: "The connection was lost; trying again in 1 s." });
    vi.advanceTimersByTime(1000);
    last(FakeSocket.all).end(1006);
    expect(last(links)).toMatchObject({ kind: "waiting", seconds: 2 });
    vi.advanceTimersByTime(2000);
    const third = last(FakeSocket.all);
    third.onopen?.();
    third.tell({ hello, gap: { events: 12n, why: "away" } });
    expect(last(links).kind).toBe("attached");
    expect(last(frames)).toMatchObject({ first: true });
    expect(last(frames).frame.gap?.events).toBe(12n);
    third.end(1006);
    expect(last(links)).toMatchObject({ seconds: 1 });
  });

  it("comes again to a server that stops or is full, in the server's words", () => {
    for (const code of [1001, 1013]) {
      const { wire, links } = connected();
      wire.tell({ closed: "the server is stopping" });
      wire.end(code);
      expect(last(links)).toMatchObject({ kind: "waiting", sentence: "The server says: the server is stopping; trying again in 1 s." });
      FakeSocket.all = [];
    }
  });

  it("does not come again when it was refused, and tells a wrong token", () => {
    const { wire, links } = connected("wrong");
    wire.tell({ closed: "the token is none of this server's" });
    wire.end(1008);
    expect(last(links)).toEqual({ kind: "closed", sentence: "The token is none of this server's.", token: true });
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all.length).toBe(1);
  });

  it("does not come again when it was too slow, until somebody asks", () => {
    const { wire, links } = connected();
    wire.tell({ hello });
    wire.tell({ closed: "too slow: a frame was not taken within 10s" });
    wire.end(1008);
    expect(last(links)).toMatchObject({ kind: "closed", token: false });
  });

  it("leaves a server of another version", () => {
    const { wire, links, frames } = connected();
    wire.tell({ hello: { protocolVersion: 2, version: "9.0" } });
    expect(last(links)).toMatchObject({ kind: "closed" });
    expect((last(links) as { sentence: string }).sentence).toContain("another version");
    expect(frames).toEqual([]);
    expect(wire.closed).toBe(true);
  });

  it("takes a connection that says nothing for ten seconds for broken", () => {
    const { wire, links } = connected();
    wire.tell({ hello });
    vi.advanceTimersByTime(10_000);
    expect(last(links).kind).toBe("waiting");
    expect(wire.closed).toBe(true);
  });

  it("understands nothing but frames", () => {
    const { wire, links } = connected();
    wire.onmessage?.({ data: new Uint8Array([255, 255, 255]).buffer });
    expect(last(links)).toMatchObject({ kind: "closed" });
  });
});
