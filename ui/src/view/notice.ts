/** What the page has to say about itself, with a way on or back. */
export interface Notice {
  readonly tone: "bad" | "info";
  readonly sentence: string;
  /** A way on, or back. */
  readonly action?: { readonly label: string; readonly run: () => void };
}
