/** The other end of a websocket, for tests: it notes what it is asked, and says what a test lets it say. */
import { create, fromBinary, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { FrameSchema, RequestSchema, type Request } from "../pb/sessionpb/v1/session_pb";

export class FakeSocket {
  static all: FakeSocket[] = [];
  readonly requests: Request[] = [];
  binaryType = "";
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  closed = false;

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    FakeSocket.all.push(this);
  }

  send(bytes: Uint8Array): void {
    this.requests.push(fromBinary(RequestSchema, bytes));
  }

  close(): void {
    this.closed = true;
  }

  tell(frame: MessageInitShape<typeof FrameSchema>): void {
    this.onmessage?.({ data: toBinary(FrameSchema, create(FrameSchema, frame)).buffer as ArrayBuffer });
  }

  end(code: number): void {
    this.onclose?.({ code });
  }
}
