/** What the page shows comes from a source: the simulation in a worker, a live cluster, or a recording. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Cluster } from "../model/state";
import type { CommandSchema, Frame, Reply } from "../pb/sessionpb/v1/session_pb";
import type { Run } from "../pb/sessionpb/v1/run_pb";

export type CommandInit = Exclude<MessageInitShape<typeof CommandSchema>["command"], undefined | { case: undefined }>;

export type Condition =
  | { readonly kind: "loading" }
  | { readonly kind: "running" }
  | { readonly kind: "replaying"; readonly sentence: string }
  /** canReset: starting afresh may help. */
  | { readonly kind: "failed"; readonly sentence: string; readonly canReset: boolean };

/** Who is shown what a source tells. */
export interface Viewer {
  /**
   * reset: a run may begin in this frame, with its first event or a keyframe. at: the whole state that the frame's events
   * follow, from a source that keeps states itself; it stands in for a keyframe.
   */
  frame(frame: Frame, reset: boolean, at?: Cluster): void;
  condition(condition: Condition): void;
  /** A new worker has been led to where the one before stood. */
  replayed(): void;
}

export interface Source {
  /** The first frame holds a Hello. */
  start(): void;
  /** Resolves with the reply, or null when the source was gone before. */
  send(command: CommandInit): Promise<Reply | null>;
  /** After a failure, afresh. */
  restart(): void;
  /** The run as last told, if the source has one. */
  readonly knownRun: Run | null;
  /** Ends it for good: what waits is answered with null. */
  stop(): void;
}
