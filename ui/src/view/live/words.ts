/** What the live bars say. */
import { countText } from "../../model/text";

/** "0.8 s", "12 s", "3 min". */
export function behindText(micros: number): string {
  const seconds = micros / 1e6;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return seconds < 120 ? `${Math.round(seconds)} s` : `${countText(Math.round(seconds / 60))} min`;
}

/** "1 in 7 events shown"; empty when all are. */
export function shareText(events: number, shown: number): string {
  if (events <= shown || events === 0) return "";
  if (shown === 0) return "no events shown";
  const ratio = events / shown;
  return ratio < 1.5 ? "not all events shown" : `1 in ${countText(Math.round(ratio))} events shown`;
}
