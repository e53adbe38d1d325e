/** How fast time passes for the eye. */
import { Pace } from "../pb/sessionpb/v1/session_pb";

/** For the eye: how long a message flies at least while the story is told. */
const flightMicros = 300_000n;

/** Story, or a fixed speed in millionths. */
export type Speed = { readonly kind: "story" } | { readonly kind: "fixed"; readonly ppm: number };

export const speeds: readonly Speed[] = [
  { kind: "story" },
  ...[10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1e6, 2e6, 5e6, 10e6, 20e6, 50e6, 100e6].map(
    (ppm): Speed => ({ kind: "fixed", ppm }),
  ),
];

export function speedText(speed: Speed): string {
  if (speed.kind === "story") return "Story";
  return speed.ppm < 1e6 ? `1/${1e6 / speed.ppm}×` : `${speed.ppm / 1e6}×`;
}

export function paceOf(speed: Speed) {
  return speed.kind === "story"
    ? { pace: Pace.STORY, flightMicros, speedPpm: 1_000_000n }
    : { pace: Pace.FIXED, speedPpm: BigInt(speed.ppm), flightMicros };
}
