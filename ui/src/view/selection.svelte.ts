import { nothing, sameSelection, type Selection } from "../model/selection";

/** The one selection and the one hover that every view of the page shares. */
class Pointing {
  selected = $state.raw<Selection>(nothing);
  hovered = $state.raw<Selection>(nothing);

  select(selection: Selection): void {
    if (!sameSelection(this.selected, selection)) this.selected = selection;
  }

  hover(selection: Selection): void {
    if (!sameSelection(this.hovered, selection)) this.hovered = selection;
  }
}

export const pointing = new Pointing();
