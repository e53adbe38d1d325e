/**
 * The judge of histories, in a worker of its own: it may work for seconds, which a session must not, and it can be ended.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { HistorySchema, VerdictSchema, type History, type Verdict } from "../pb/sessionpb/v1/session_pb";
import type { FromWorker, ToWorker } from "./boundary";
import { compile } from "./core";

export interface Trial {
  /** null when it was ended before; rejects when the judge could not do its work. */
  readonly verdict: Promise<Verdict | null>;
  /** Ends the judge, wherever it is. Ending twice, or after the verdict, does nothing. */
  end(): void;
}

export function judge(history: History): Trial {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "raftplay judge" });
  const bytes = toBinary(HistorySchema, history);
  const post = (message: ToWorker, transfer: Transferable[] = []) => worker.postMessage(message, transfer);
  let end = () => {};
  const verdict = new Promise<Verdict | null>((resolve, reject) => {
    const close = () => worker.terminate();
    const fail = (reason: string) => {
      close();
      reject(new Error(`The history could not be judged: ${reason}.`));
    };
    end = () => {
      close();
      resolve(null);
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      switch (data.kind) {
        case "ready":
          post({ kind: "judge", bytes }, [bytes.buffer as ArrayBuffer]);
          break;
        case "verdict":
          close();
          resolve(fromBinary(VerdictSchema, data.bytes));
          break;
        case "died":
          fail(data.reason);
          break;
      }
    };
    worker.onerror = (event) => {
      event.preventDefault();
      fail(event.message || "its script could not run");
    };
    compile().then(
      (module) => post({ kind: "start", module }),
      (error: unknown) => fail(error instanceof Error ? error.message : String(error)),
    );
  });
  return { verdict, end };
}
