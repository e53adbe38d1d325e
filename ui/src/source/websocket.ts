/**
 * The connection to a server's live cluster: one request at a time, each answered with one frame. A connection that
 * breaks is tried again, later each time; one that was refused is not.
 */
import { create, fromBinary, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { FrameSchema, InterestSchema, RequestSchema, type Command, type Frame } from "../pb/sessionpb/v1/session_pb";

export const protocolVersion = 1;
const subprotocol = "raftplay.v1";
const waitSecondsMax = 15;
/** A server answers at least four times a second; a connection that is silent for so long is dead. */
const silenceMillisMax = 10_000;

export type Link =
  | { readonly kind: "connecting" }
  | { readonly kind: "attached" }
  | { readonly kind: "waiting"; readonly sentence: string; readonly seconds: number }
  /** For good, until somebody asks again. token: another token may help. */
  | { readonly kind: "closed"; readonly sentence: string; readonly token: boolean };

/** What the page wants to be told beside the state of every store. */
export type InterestInit = MessageInitShape<typeof InterestSchema>;

export interface LinkListener {
  /** attached: it is the first frame of a connection. */
  frame(frame: Frame, first: boolean): void;
  link(link: Link): void;
}

/** What a server closes with when it makes sense to come again; without a code the connection broke. */
const comeAgain = new Set([1001, 1005, 1006, 1012, 1013]);

export class Websocket {
  readonly #url: string;
  readonly #token: string;
  readonly #listener: LinkListener;
  /** Told whenever it attaches; who changes it while it is attached tells the server. */
  interest: InterestInit;
  #attachedWith: InterestInit = {};
  #socket: WebSocket | null = null;
  #queued: Command[] = [];
  #first = true;
  #attempts = 0;
  #said = "";
  #timer = 0;
  #silence = 0;
  #ended = false;

  constructor(url: string, token: string, listener: LinkListener, interest: InterestInit = {}) {
    this.#url = url;
    this.#token = token;
    this.#listener = listener;
    this.interest = interest;
  }

  open(): void {
    clearTimeout(this.#timer);
    this.#said = "";
    this.#first = true;
    this.#listener.link({ kind: "connecting" });
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.#url, subprotocol);
    } catch {
      this.#close("This address cannot be a server's: it looks like wss://host or ws://host:port.", false);
      return;
    }
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    const mine = (call: () => void) => () => {
      if (socket === this.#socket) call();
    };
    socket.onopen = mine(() => this.#attach());
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      if (socket === this.#socket) this.#receive(data);
    };
    socket.onclose = ({ code }) => {
      if (socket === this.#socket) this.#lost(code);
    };
    this.#watch();
  }

  /** With the next request. */
  send(command: Command): void {
    this.#queued.push(command);
  }

  get attached(): boolean {
    return this.#socket !== null && !this.#first;
  }

  /** The interest was changed after the server was told it. */
  get outdated(): boolean {
    return this.#attachedWith !== this.interest;
  }

  /** Now, instead of after the wait. */
  again(): void {
    if (!this.#ended && !this.#socket) this.open();
  }

  close(): void {
    this.#ended = true;
    this.#drop();
  }

  #attach(): void {
    this.#attachedWith = this.interest;
    this.#request(toBinary(RequestSchema, create(RequestSchema, {
      attach: { protocolVersion, token: this.#token, interest: this.interest },
    })));
  }

  #request(bytes: Uint8Array): void {
    this.#socket?.send(bytes as Uint8Array<ArrayBuffer>);
  }

  #receive(data: ArrayBuffer): void {
    this.#watch();
    let frame: Frame;
    try {
      frame = fromBinary(FrameSchema, new Uint8Array(data));
    } catch {
      this.#close("The server said something that this page does not understand. Reload the page: it may be of another version.", false);
      return;
    }
    if (frame.closed) {
      // The code follows, and says whether to come again.
      this.#said = frame.closed;
      if (frame.replies.length > 0) this.#listener.frame(frame, false);
      return;
    }
    if (frame.hello && frame.hello.protocolVersion !== protocolVersion) {
      const { version } = frame.hello;
      this.#close(`The server (${version || "of another version"}) speaks another version of the protocol than this page. Reload the page from that server.`, false);
      return;
    }
    const first = this.#first;
    if (first) {
      this.#first = false;
      this.#attempts = 0;
      this.#listener.link({ kind: "attached" });
    }
    this.#listener.frame(frame, first);
    if (!this.#socket) return;
    this.#request(toBinary(RequestSchema, create(RequestSchema, { commands: this.#queued.splice(0) })));
  }

  #watch(): void {
    clearTimeout(this.#silence);
    this.#silence = window.setTimeout(() => this.#lost(1006), silenceMillisMax);
  }

  #lost(code: number): void {
    const attached = !this.#first;
    this.#drop();
    if (this.#ended) return;
    if (!comeAgain.has(code)) {
      this.#close(finalWords(this.#said, code), code === 1008 && /token/.test(this.#said));
      return;
    }
    const seconds = Math.min(waitSecondsMax, 2 ** this.#attempts++);
    this.#timer = window.setTimeout(() => this.open(), seconds * 1000);
    const what = this.#said
      ? `The server says: ${this.#said}`
      : attached || this.#attempts > 1 ? "The connection was lost" : "The server cannot be reached";
    this.#listener.link({ kind: "waiting", sentence: `${what}; trying again in ${seconds} s.`, seconds });
  }

  #close(sentence: string, token: boolean): void {
    this.#drop();
    this.#listener.link({ kind: "closed", sentence, token });
  }

  #drop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = null;
    // Who asked is told that the connection was gone before: it must not be done later.
    this.#queued = [];
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }
}

function finalWords(said: string, code: number): string {
  if (!said) return `The server ended the connection (code ${code}). Connect again to go on.`;
  const sentence = said[0].toUpperCase() + said.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
