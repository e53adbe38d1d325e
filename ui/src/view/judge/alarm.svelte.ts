/** Which violation is shown, and whether the person has put it aside. */
import type { Violation } from "../../model/state";
import { pointing } from "../selection.svelte";
import { session } from "../session.svelte";

class Alarm {
  /** Its place among all of them. */
  at = $state(0);
  /** A judge that cries for the first time is heard again. */
  #aside = $state.raw<ReadonlySet<string>>(new Set());

  violations = $derived(session.alarms.violations);
  open = $derived(this.violations.some((v) => !this.#aside.has(v.judge)));
  shown = $derived<Violation | undefined>(this.violations[Math.min(this.at, this.violations.length - 1)]);

  next(by: number): void {
    const total = this.violations.length;
    this.at = (Math.min(this.at, total - 1) + by + total) % total;
  }

  dismiss(): void {
    this.#aside = new Set(this.violations.map((v) => v.judge));
  }

  recall(): void {
    this.#aside = new Set();
  }

  /** Another run has begun. */
  forget(): void {
    this.at = 0;
    this.#aside = new Set();
  }

  /** To a moment that belongs to the violation, with what happened there selected. */
  goTo(violation: Violation, seq: number): void {
    if (violation.regionId > 0) session.showRegion(violation.regionId);
    pointing.select({ kind: "event", seq });
    void session.seek(seq);
  }
}

export const alarm = new Alarm();

const nobody: readonly number[] = [];

/** Those that the violation shown names. */
export function accusedStores(): readonly number[] {
  return alarm.open ? (alarm.shown?.storeIds ?? nobody) : nobody;
}
