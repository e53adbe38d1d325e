/** What a person points at. Stage, diagram, lists and inspector share one selection and one hover. */
export type Selection =
  | { readonly kind: "none" }
  | { readonly kind: "store"; readonly id: number }
  | { readonly kind: "message"; readonly id: number }
  /** Both directions between two stores; a has the smaller id. */
  | { readonly kind: "link"; readonly a: number; readonly b: number }
  | { readonly kind: "entry"; readonly storeId: number; readonly regionId: number; readonly index: number }
  | { readonly kind: "event"; readonly seq: number }
  | { readonly kind: "operation"; readonly id: number };

export const nothing: Selection = { kind: "none" };

export function sameSelection(a: Selection, b: Selection): boolean {
  switch (a.kind) {
    case "none":
      return b.kind === "none";
    case "store":
      return b.kind === "store" && a.id === b.id;
    case "message":
      return b.kind === "message" && a.id === b.id;
    case "link":
      return b.kind === "link" && a.a === b.a && a.b === b.b;
    case "entry":
      return b.kind === "entry" && a.storeId === b.storeId && a.regionId === b.regionId && a.index === b.index;
    case "event":
      return b.kind === "event" && a.seq === b.seq;
    case "operation":
      return b.kind === "operation" && a.id === b.id;
  }
}
