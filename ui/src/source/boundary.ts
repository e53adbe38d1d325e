/** The worker boundary: everything that crosses it, in both directions. Buffers are transferred, errors are plain data. */
export type ToWorker =
  | { readonly kind: "start"; readonly module: WebAssembly.Module }
  /** A sessionpb.v1.Request. */
  | { readonly kind: "request"; readonly bytes: Uint8Array }
  /** A sessionpb.v1.History. */
  | { readonly kind: "judge"; readonly bytes: Uint8Array };

export type FromWorker =
  | { readonly kind: "ready" }
  /** A sessionpb.v1.Frame: the answer to the request before it. */
  | { readonly kind: "frame"; readonly bytes: Uint8Array }
  /** A sessionpb.v1.Verdict: the answer to the history before it. */
  | { readonly kind: "verdict"; readonly bytes: Uint8Array }
  /** The Go runtime has ended; the worker answers nothing more. */
  | { readonly kind: "died"; readonly reason: string };
