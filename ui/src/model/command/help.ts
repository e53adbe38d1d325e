/** The commands, each with what it does, as the page lists them. */
import { Capability } from "../../pb/sessionpb/v1/session_pb";
import { cannotWords, type Can } from "../abilities";

export interface CommandHelp {
  readonly usage: string;
  readonly does: string;
}

export interface CommandHelpGroup {
  readonly title: string;
  readonly commands: readonly CommandHelp[];
}

export interface CommandManual {
  readonly groups: readonly CommandHelpGroup[];
  /** Commands that the source refuses, by the reason. */
  readonly refused: readonly { readonly why: string; readonly usages: readonly string[] }[];
}

interface Chapter {
  readonly title: string;
  /** What its commands ask of the source, unless they say otherwise. */
  readonly needs: Capability;
  readonly commands: readonly (readonly [usage: string, does: string, needs?: Capability])[];
}

/** What can be typed, of a source that can so much. */
export function manualOf(can: Can): CommandManual {
  const groups: CommandHelpGroup[] = [];
  const refused = new Map<string, string[]>();
  for (const { title, needs, commands } of chapters) {
    const possible = commands.filter(([, , own = needs]) => can(own));
    if (possible.length > 0) groups.push({ title, commands: possible.map(([usage, does]) => ({ usage, does })) });
    for (const [usage, , own = needs] of commands) {
      if (can(own)) continue;
      const why = cannotWords(own);
      refused.set(why, [...(refused.get(why) ?? []), usage]);
    }
  }
  return { groups, refused: [...refused].map(([why, usages]) => ({ why, usages })) };
}

const chapters: readonly Chapter[] = [
  {
    title: "Keys",
    needs: Capability.PROPOSE,
    commands: [
      ["put city Kyoto", "writes a key"],
      ["get city", "reads a key; the leader first makes sure that it still leads"],
      ["get city --log", "reads through the log, as an entry of its own"],
      ["get city --lease", "the leader answers at once, within its lease"],
      ["get city --stale", "whatever the store asked has applied; it may be old"],
      ["seek c", "the first key at or after this one"],
      ["scan a z 10", "keys from a up to, not including, z; at most 10"],
      ["scan a z 10 --reverse", "from the end down"],
      ["delete city", "removes a key"],
      ["put city Oslo if city = Kyoto", "only if that holds; also: if absent city"],
      ["put a 1; put b 2", "several at once, all or nothing"],
      ["@S2 get city", "sends the command to that store"],
    ],
  },
  {
    title: "Regions and members",
    needs: Capability.CHANGE_REGIONS,
    commands: [
      ["split m", "two regions of one: the keys from m on become a region of their own"],
      ["add learner S6", "S6 gets the data and no vote; a store that does not exist yet is added first"],
      ["promote S6", "a learner becomes a voter"],
      ["add S6", "a new voter at once"],
      ["demote S3", "a voter becomes a learner"],
      ["remove S2", "S2 leaves the region; with --force even if those left may have no quorum"],
      ["change add S6 remove S2", "several at once, through a joint configuration"],
      ["change add S6 remove S2 --explicit", "the same, but it stays joint until leave"],
      ["leave", "leaves the joint configuration"],
      ["transfer S4", "the leader hands over to S4"],
      ["compact", "drops the log's entries that are applied; compact 40: those up to 40"],
      ["#2 compact", "for region 2, when no key tells the region; also: region 2 compact"],
    ],
  },
  {
    title: "Stores",
    needs: Capability.CRASH_STORES,
    commands: [
      ["add store", "one more store, without any data", Capability.ADD_STORES],
      ["status S2", "what a store knows of its region", Capability.PROPOSE],
      ["timeout S3", "its election timer fires now", Capability.TIME_OUT_STORES],
      ["crash S2", "the store loses what it has not synced"],
      ["crash S2 --keep some", "a chance part of that stays; --keep torn: the last write is torn", Capability.FAIL_DISKS],
      ["crash S2 before sync", "as soon as its next batch is written and not yet synced", Capability.FAIL_DISKS],
      ["restart S2", "the store comes back with what it had synced"],
      ["restart S2 --wiped", "it comes back with nothing, not even its vote", Capability.FAIL_DISKS],
      ["pause S2", "it stands still, as in a long garbage collection; resume S2 lets it go on", Capability.PAUSE_STORES],
      ["disk S2 full", "every write fails; also: write-error, sync-error (the next one fails), slow, ok", Capability.FAIL_DISKS],
      ["disk S2 slow 200ms", "so long takes a sync", Capability.CHANGE_DISK],
      ["clock S2 2x", "its clock runs twice as fast; +5s: it jumps; late 50ms: ticks come late; ok: true time", Capability.CHANGE_CLOCKS],
    ],
  },
  {
    title: "Network",
    needs: Capability.CHANGE_LINKS,
    commands: [
      ["cut S1 S2", "the two do not hear each other"],
      ["cut S1 > S2", "one way: S2 does not hear S1"],
      ["clog S1 > S2", "what is sent waits until the link is mended", Capability.CHANGE_NETWORK],
      ["mend S1 S2", "the links are as every other again; mend alone: all links"],
      ["loss 20% S1 > S2", "of one link; without a link: of all. Also: latency 50ms 10ms, jitter, duplicates, reorder, tail 1% 2s, bandwidth 64KiB", Capability.CHANGE_NETWORK],
      ["partition S1 S2 | S3 S4 S5", "the sides do not hear each other"],
      ["partition S1 > others", "S1 hears the others, and is not heard"],
      ["ring", "each store hears its two neighbours alone"],
      ["bridge S3", "S3 hears all; the others fall into two halves that meet only there"],
      ["heal", "ends every fault; heal S1 S2 S3: those of these stores and between them"],
    ],
  },
  {
    title: "Messages",
    needs: Capability.TOUCH_MESSAGES,
    commands: [
      ["lose append-response from S2", "a filter for messages to come; also: hold, delay … 500ms, duplicate; to S3; #2"],
      ["filters off", "ends every filter"],
      ["hold 123", "message 123 waits where it is; release 123 lets it go on"],
      ["delay 123 500ms", "it arrives so much later"],
      ["duplicate 123", "a copy of it is sent after it"],
      ["deliver 123", "it arrives now; drop 123: it never does"],
    ],
  },
  {
    title: "Clients and verdicts",
    needs: Capability.WORKLOADS,
    commands: [
      ["clients registers 4", "four clients work by themselves on single keys; also: sets, counters, bank"],
      ["clients bank off", "ends those on the bank; clients off: all of them"],
      ["recover", "asks whether the cluster would recover with a random quorum healed", Capability.RECOVER],
    ],
  },
];
