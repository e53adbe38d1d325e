import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { FrameSchema } from "../pb/sessionpb/v1/session_pb";
import { excuseOf, followAlarms, noAlarms } from "./alarms";
import { keyframe, Script } from "./testing/run";

function frame(script: Script) {
  return create(FrameSchema, { events: script.events.splice(0) });
}

test("a violation stays found when one goes back to its evidence, and is gone on a branch from before it", () => {
  const script = new Script();
  script.add(0, { case: "violation", value: { judge: "election safety", message: "two lead", storeIds: [1n, 2n], evidenceSeqs: [3n] } });
  const found = followAlarms(noAlarms, frame(script));
  expect(found.violations.map((v) => [v.judge, v.storeIds])).toEqual([["election safety", [1, 2]]]);
  const back = followAlarms(found, create(FrameSchema, { keyframe: keyframe(1) }));
  expect(back).toBe(found);
  expect(followAlarms(found, create(FrameSchema, { keyframe: keyframe(1) }), 1).violations).toEqual([]);
});

test("events that come again add nothing", () => {
  const script = new Script();
  script.add(0, { case: "violation", value: { judge: "log matching", message: "they differ" } });
  const again = [...script.events];
  const found = followAlarms(noAlarms, frame(script));
  expect(followAlarms(found, create(FrameSchema, { events: again }))).toBe(found);
});

test("what a judge finds after the run left the model is excused, what it found before is not", () => {
  const script = new Script();
  script.add(0, { case: "violation", value: { judge: "early", message: "" } });
  script.add(2, { case: "modelLeft", value: { why: "S2's disk was wiped" } });
  script.add(0, { case: "violation", value: { judge: "late", message: "" } });
  const alarms = followAlarms(noAlarms, frame(script));
  expect(alarms.violations.map((v) => excuseOf(alarms, v)?.why ?? "")).toEqual(["", "S2's disk was wiped"]);
});

test("a whole state tells that the model was left, and an event tells when", () => {
  const whole = create(FrameSchema, { keyframe: { ...keyframe(50), modelLeft: ["S2's disk was wiped"] } });
  const known = followAlarms(noAlarms, whole);
  expect(known.modelLeft.map((m) => m.seq)).toEqual([50]);
  const script = new Script();
  script.add(2, { case: "modelLeft", value: { why: "S2's disk was wiped" } });
  expect(followAlarms(known, frame(script)).modelLeft.map((m) => m.seq)).toEqual([2]);
});
