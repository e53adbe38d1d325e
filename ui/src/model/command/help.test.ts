import { describe, expect, it } from "vitest";
import { CrashKeeps, CrashMoment } from "../../pb/sessionpb/v1/fault_pb";
import { Capability } from "../../pb/sessionpb/v1/session_pb";
import { refusalOf } from "../abilities";
import { crashStore, restartStore, setFilters, setLinks } from "../action";
import { parseCommand, type CommandLimits } from "../command";
import { manualOf } from "./help";

const limits: CommandLimits = {
  storeIds: [1, 2, 3, 4, 5],
  regionIds: [1, 2],
  regionSelected: 1,
  storesMax: 9,
  keyBytesMax: 64,
  valueBytesMax: 64,
  requestsMax: 16,
  clientsMax: 64,
};
const all = () => true;
/** A cluster of real stores, within the server: an operator's. */
const live = (capability: Capability) =>
  [Capability.PROPOSE, Capability.CHANGE_REGIONS, Capability.CRASH_STORES, Capability.CHANGE_LINKS].includes(capability);
const usages = (can: typeof live) => manualOf(can).groups.flatMap((g) => g.commands.map((c) => c.usage));

describe("the list of commands", () => {
  it.each(usages(all))("lists what is understood: %s", (usage) => {
    // S6 is added by the commands before.
    const known = usage === "promote S6" ? { ...limits, storeIds: [1, 2, 3, 4, 5, 6] } : limits;
    expect(parseCommand(usage, known)).not.toMatchObject({ kind: "wrong" });
  });

  it("refuses nothing where everything can be done", () => {
    expect(manualOf(all).refused).toEqual([]);
  });

  it("keeps what a live cluster does not do apart, with the reason", () => {
    const manual = manualOf(live);
    expect(manual.groups.map((g) => g.title)).toEqual(["Keys", "Regions and members", "Stores", "Network"]);
    expect(usages(live)).toContain("cut S1 S2");
    expect(usages(live)).not.toContain("clog S1 > S2");
    expect(manual.refused).toContainEqual({ why: "timers here cannot be made to fire", usages: ["timeout S3"] });
    expect(usages(live).length + manual.refused.flatMap((r) => r.usages).length).toBe(usages(all).length);
  });

  it("agrees with what is refused when it is tried", () => {
    for (const action of [
      crashStore(1, { moment: CrashMoment.BEFORE_SYNC }),
      crashStore(1, { keeps: CrashKeeps.SOME }),
      restartStore(1, true),
      setLinks([{ fromStore: 1n, toStore: 2n, clogged: true }]),
      setLinks([{ fromStore: 1n, toStore: 2n, network: {} }]),
      setFilters([]),
    ]) {
      expect(refusalOf(action, all)).toBe("");
      expect(refusalOf(action, live)).not.toBe("");
    }
    for (const action of [crashStore(1), restartStore(1), setLinks([{ fromStore: 1n, toStore: 2n, cut: true }])]) {
      expect(refusalOf(action, live)).toBe("");
    }
  });
});
