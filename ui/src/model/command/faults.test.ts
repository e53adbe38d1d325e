import { toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { completions, parseCommand, type CommandLimits } from "../command";
import { fold } from "../fold";
import { noCluster } from "../state";
import { Script } from "../testing/run";
import { MessageType } from "../../pb/sessionpb/v1/fault_pb";
import { ActionSchema } from "../../pb/sessionpb/v1/run_pb";

const script = new Script(5);
script.send(123, 1, 2, MessageType.APPEND);
script.add(0, {
  case: "settingsChanged",
  value: {
    network: { latencyMicros: 20_000n, jitterMicros: 5000n },
    disk: { writeMicros: 1000n, fsyncMicros: 4000n },
    links: [{ fromStore: 1n, toStore: 2n, clogged: true }],
    disks: [{ storeId: 4n, disk: { fsyncMicros: 9000n } }],
  },
});
const cluster = script.events.reduce(fold, noCluster);

const limits: CommandLimits = {
  storeIds: [1, 2, 3, 4, 5],
  regionIds: [1],
  regionSelected: 1,
  storesMax: 9,
  keyBytesMax: 16,
  valueBytesMax: 32,
  requestsMax: 3,
  clientsMax: 16,
  cluster,
};

/** The sentence, and what is asked of the source. */
function said(line: string): string {
  const parsed = parseCommand(line, limits);
  if (parsed.kind === "wrong") return `wrong: ${parsed.sentence}`;
  return parsed.kind === "act" ? parsed.words : parsed.kind;
}

function asked(line: string): unknown {
  const parsed = parseCommand(line, limits);
  if (parsed.kind !== "act") throw new Error(said(line));
  const all = [parsed.action, ...parsed.then].map((action) => toJson(ActionSchema, action));
  return all.length === 1 ? all[0] : all;
}

describe("faults in the command bar", () => {
  test.each([
    ["cut S1 S2", "S1 ↔ S2 is cut"],
    ["cut S1 > S2", "S1 → S2 is cut"],
    ["cut S1>S2", "S1 → S2 is cut"],
    ["cut 1 -> 2, 3", "S1 → S2 and S1 → S3 are cut"],
    ["cut S1 > others", "4 links are cut"],
    ["mend S1 S2", "S1 ↔ S2 is mended"],
    ["mend", "All links are mended"],
    ["clog s1 → s2", "S1 → S2 is clogged"],
    ["loss 20% S1 > S2", "S1 → S2 has latency 20 ms ± 5 ms, loss 20 %"],
    ["loss 5%", "Every link has latency 20 ms ± 5 ms, loss 5 %"],
    ["latency 200ms 50ms S1 S2", "S1 ↔ S2 has latency 200 ms ± 50 ms, loss 0 %"],
    ["latency 4ms", "Every link has latency 4 ms ± 2 ms, loss 0 %"],
    ["tail 1% 2s", "Every link has latency 20 ms ± 5 ms, loss 0 %, 1 % slower by 2 s"],
    ["bandwidth 64KiB S1 > S2", "S1 → S2 has latency 20 ms ± 5 ms, loss 0 %, 64 KiB/s"],
    ["partition S1 S2 | S3 S4 S5", "Partition: S1, S2 | S3, S4, S5"],
    ["partition S1 S2", "Partition: S1, S2 | S3, S4, S5"],
    ["partition S1 -> …", "S1 hears the others, but is not heard"],
    ["ring", "Ring: each store hears its two neighbours alone (S1 – S2 – S3 – S4 – S5)"],
    ["ring S1 S3 S5", "Ring: each store hears its two neighbours alone (S1 – S3 – S5 – S2 – S4)"],
    ["bridge S3", "S3 is the bridge between S1, S2 | S4, S5"],
    ["heal", "Everything is healed"],
    ["heal S1 S2", "S1, S2 and the links between are healed"],
    ["lose append-response from S2", "Append responses from S2 are lost"],
    ["hold append from S1 to S2", "Appends from S1 to S2 are held"],
    ["delay votes 500ms", "Vote requests are delayed by 500 ms"],
    ["duplicate messages from S1", "Messages from S1 are duplicated"],
    ["filters off", "No filters any more"],
    ["pause S2", "S2 is paused"],
    ["resume S2", "S2 goes on"],
    ["crash S2", "S2 crashes"],
    ["crash S2 --keep some", "S2 crashes; some of what was not synced stays"],
    ["crash S2 --keep torn", "S2 crashes; its last write is torn"],
    ["crash S2 before sync", "S2 will crash when its next batch is written and not yet synced"],
    ["restart S2 --wiped", "S2 restarts on an empty disk"],
    ["disk S2 full", "S2's disk is full: every write fails"],
    ["disk S2 write-error", "S2's next write will fail"],
    ["disk S2 slow", "S2's disk: write 10 ms, fsync 200 ms"],
    ["disk S2 slow 1s", "S2's disk: write 50 ms, fsync 1 s"],
    ["disk S2 ok", "S2's disk works as it should"],
    ["clock S2 2x", "S2's clock runs at 2×"],
    ["clock S2 0.5x +5s", "S2's clock runs at 0.5× and jumps 5 s ahead"],
    ["clock S2 -300ms", "S2's clock jumps 300 ms back"],
    ["clock S2 late 50ms", "S2's clock ticks late by up to 50 ms"],
    ["hold 123", "Message 123 is held"],
    ["release 123", "Message 123 travels on"],
    ["delay 123 500ms", "Message 123 is delayed by 500 ms"],
    ["duplicate 123", "Message 123 is duplicated"],
    ["drop 123", "Message 123 is dropped"],
    ["deliver 123", "Message 123 is delivered"],
  ])("%s", (line, words) => expect(said(line)).toBe(words));

  test.each([
    ["cut S1 > S2", { setLinks: { links: [{ fromStore: "1", toStore: "2", cut: true, clogged: true }] } }],
    ["mend", { setLinks: { links: [{ fromStore: "1", toStore: "2" }] } }],
    ["partition S1 > others", { partition: { kind: "PARTITION_KIND_ONE_WAY", sides: [{ storeIds: ["1"] }, { storeIds: ["2", "3", "4", "5"] }] } }],
    ["partition S1 | S2", { partition: { kind: "PARTITION_KIND_SYMMETRIC", sides: [["1"], ["2"], ["3"], ["4"], ["5"]].map((storeIds) => ({ storeIds })) } }],
    ["crash S2 before sync --keep torn", { crashStore: { storeId: "2", keeps: "CRASH_KEEPS_ALL_BUT_TORN", moment: "CRASH_MOMENT_BEFORE_SYNC" } }],
    ["clock S2 2x -1s", { setClock: { storeId: "2", clock: { ratePpm: 2_000_000 }, jumpMicros: "-1000000" } }],
    ["lose append-response from S2", { setFilters: { filters: [{ fromStore: "2", type: "MESSAGE_TYPE_APPEND_RESPONSE", deed: "FILTER_DEED_LOSE" }] } }],
    ["disk S4 ok", { setDisk: { storeId: "4" } }],
    ["disk S3 ok", { failDisk: { storeId: "3" } }],
    ["heal S1 S2", { heal: { storeIds: ["1", "2"] } }],
  ])("%s asks for", (line, action) => expect(asked(line)).toEqual(action));

  test.each([
    ["cut S1", "A link is between two stores, for example: cut S1 S2, or one way: cut S1 > S2"],
    ["cut S1 > S9", "There is no store S9; the stores are S1 to S5"],
    ["cut S1 > S1", "S1 is on both ends of the link"],
    ["cut > S1", "An arrow stands between stores, for example: cut S1 > S2"],
    ["loss 130% S1 > S2", "A loss of 130 % is more than all; it goes from 0 % to 100 %"],
    ["loss S1 S2", "loss takes a share and, if not for all, a link, for example: loss 20% S1 > S2"],
    ["latency -5ms", "latency takes a time, if wanted a jitter, and a link, for example: latency 50ms 10ms S1 > S2"],
    ["partition", "partition takes the sides, for example: partition S1 S2 | S3 S4 S5, or one way: partition S1 > others"],
    ["partition S1 | S1 S2", "S1 is on two sides"],
    ["partition S1 S2 S3 S4 S5", "That is every store: nobody is left for the other side"],
    ["partition S1 | S7", "There is no store S7; the stores are S1 to S5"],
    ["partition S1 > S2", "One way a partition is against all others: partition S1 > others; for single links: cut S1 > S2"],
    ["bridge", "bridge takes the store that still hears all, for example: bridge S3"],
    ["lose", "lose takes a kind of message, or whose, for example: lose append-response from S2"],
    ["lose letters", "There is no kind of message letters; there are append, append-response, vote, vote-response, pre-vote, pre-vote-response, heartbeat, heartbeat-response and more"],
    ["lose append from S1 to S1", "S1 sends nothing to itself"],
    ["filters", "filters takes off, which ends every filter: filters off"],
    ["pause", "pause takes one store, for example: pause S1"],
    ["crash S2 soon", "A crash comes now or before sync, for example: crash S1 before sync"],
    ["crash S2 --keep all", "--keep takes some or torn: crash S2 --keep some"],
    ["restart S2 --keep", "There is no option --keep here; there is --wiped"],
    ["disk S2", "A disk is full, write-error, sync-error, slow or ok, for example: disk S2 full"],
    ["disk S2 wet", "A disk is full, write-error, sync-error, slow or ok, not wet, for example: disk S2 full"],
    ["clock S2", "clock takes a store and a rate or a jump, for example: clock S1 2x, or clock S1 +5s"],
    ["clock S2 fast", "clock takes a store and a rate or a jump, for example: clock S1 2x, or clock S1 +5s"],
    ["clock S2 0x", "A clock that stands still is a paused store: pause it instead"],
    ["clock S2 +far", "A jump is a time, for example 50ms or 2s, not far"],
    ["hold 99", "Message 99 is not in flight; select one on the stage to see its number"],
    ["delay 123", "delay takes a message's number and a time, for example: delay 123 500ms"],
    ["delay append", "delay takes a kind of message and a time, for example: delay append 500ms from S1"],
    ["release", "release takes a message's number, for example: release 123"],
  ])("refuses %s", (line, sentence) => expect(said(line)).toBe(`wrong: ${sentence}`));

  test.each([
    ["cut ", ["S1", "S2", "S3", "S4", "S5"]],
    ["cut S1 ", ["S2", "S3", "S4", "S5", ">"]],
    ["partition S1 ", ["S2", "S3", "S4", "S5", "|", ">"]],
    ["disk S2 ", ["full", "write-error", "sync-error", "slow", "ok"]],
    ["clock S2 ", ["2x", "0.5x", "+5s", "-5s", "late", "ok"]],
    ["crash S2 ", ["before sync", "--keep"]],
    ["crash S2 before sync --keep ", ["some", "torn"]],
    ["restart S2 --", ["--wiped"]],
    ["lose app", ["append", "append-response"]],
    ["lose append ", ["from", "to"]],
    ["lose append from s", ["S1", "S2", "S3", "S4", "S5"]],
    ["release ", ["123"]],
    ["filters ", ["off"]],
    ["par", ["partition"]],
  ])("completes %s", (line, words) => expect(completions(line, limits)).toEqual(words));
});
