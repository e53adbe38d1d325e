export type TimeTab = "messages" | "clients" | "metrics";

class Tab {
  shown = $state<TimeTab>("messages");

  show(tab: TimeTab): void {
    this.shown = tab;
  }
}

/** Which picture of time is shown; a verdict and a violation lead to theirs. */
export const timeTab = new Tab();
