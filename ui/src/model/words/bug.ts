/** The ways in which a store can be broken on purpose: what each is called, and in one sentence what is broken. */
import { Bug } from "../../pb/sessionpb/v1/fault_pb";

export interface BugWords {
  readonly name: string;
  readonly breaks: string;
}

export const bugWords: Readonly<Record<Bug, BugWords>> = {
  [Bug.UNSPECIFIED]: { name: "None", breaks: "Nothing is broken." },

  [Bug.SEND_BEFORE_SYNC]: {
    name: "Send before sync",
    breaks: "A store acknowledges entries and grants votes before its disk has synced them.",
  },
  [Bug.NO_FSYNC]: {
    name: "No fsync",
    breaks: "A store never syncs its disk, so a crash loses what it has acknowledged.",
  },
  [Bug.FORGET_VOTE]: {
    name: "Forget the vote",
    breaks: "After a restart a store no longer knows whom it voted for, and may vote twice in a term.",
  },
  [Bug.FORGET_TERM]: {
    name: "Forget the term",
    breaks: "A store does not keep its term: after a restart it is that of the last entry in its log.",
  },
  [Bug.TORN_WRITE_KEPT]: {
    name: "Keep a torn write",
    breaks: "A batch that a crash tore apart is not recognised at the restart, and what is there of it is kept.",
  },
  [Bug.KEEP_CONFLICTING_TAIL]: {
    name: "Keep the conflicting tail",
    breaks: "Entries behind those that a leader replaces stay on the disk; after a restart they are the log's end.",
  },
  [Bug.FORGET_APPLIED]: {
    name: "Forget what was applied",
    breaks: "After a restart a store counts all of its log as applied; what was not is missing from its data.",
  },

  [Bug.WRONG_QUORUM]: {
    name: "Wrong quorum",
    breaks: "Half of the voters are taken for a quorum, without the one that makes it more than half.",
  },
  [Bug.ANSWER_BEFORE_COMMIT]: {
    name: "Answer before commit",
    breaks: "A client hears ok as soon as its entry is in the leader's own log.",
  },
  [Bug.APPLY_BEFORE_COMMIT]: {
    name: "Apply before commit",
    breaks: "A leader applies entries as soon as they are in its own log.",
  },
  [Bug.TWO_CONF_CHANGES]: {
    name: "Two changes of members at once",
    breaks: "A second change of members may begin while the first is not carried out yet.",
  },
  [Bug.STALE_CONF_STATE]: {
    name: "Old members after a restart",
    breaks: "After a restart a store counts with the members from before the last change.",
  },
  [Bug.TOMBSTONE_FORGOTTEN]: {
    name: "Forget the tombstone",
    breaks: "A store forgets that its peer was removed, so that a late message makes the peer anew.",
  },

  [Bug.SKIP_EPOCH_CHECK]: {
    name: "Skip the epoch check",
    breaks: "A command made for an earlier range or earlier members of the region is carried out all the same.",
  },
  [Bug.SPLIT_KEEPS_VERSION]: {
    name: "Split without a new version",
    breaks: "A split does not raise the region's version, so that commands from before it are not noticed.",
  },
  [Bug.SPLIT_FORGETS_HARD_STATE]: {
    name: "Split forgets term and vote",
    breaks: "A peer that had voted before its split was applied forgets its term and vote when the split comes.",
  },
  [Bug.COMPACT_WITHOUT_SNAPSHOT]: {
    name: "Compact without a snapshot",
    breaks: "A follower that needs entries which were compacted away is moved past them, with the data it has.",
  },
  [Bug.SNAPSHOT_APPLIED_HALF]: {
    name: "Half a snapshot",
    breaks: "A snapshot counts as complete once its first part has come.",
  },
  [Bug.SNAPSHOT_KEEPS_OLD_KEYS]: {
    name: "Old keys under a snapshot",
    breaks: "The data of before stays under a snapshot, so that deleted keys come back.",
  },

  [Bug.STALE_READ]: {
    name: "Stale reads",
    breaks: "A leader answers reads without asking whether it still leads.",
  },
  [Bug.READ_BEFORE_APPLY]: {
    name: "Read before apply",
    breaks: "A new leader answers reads before it has applied an entry of its own term, and so what was committed before.",
  },
  [Bug.LEASE_WITHOUT_QUORUM]: {
    name: "Lease without a quorum",
    breaks: "A leader renews its lease by itself, whether or not anybody has heard from it.",
  },
  [Bug.LEASE_KEPT_AT_TRANSFER]: {
    name: "Lease kept at a transfer",
    breaks: "A leader that hands over goes on answering reads by its lease.",
  },
  [Bug.CALLBACK_TWICE]: {
    name: "Answer twice",
    breaks: "Commands that were answered when their leader stepped down are answered again when they are applied.",
  },
  [Bug.RETRY_APPLIED_AGAIN]: {
    name: "Retries applied again",
    breaks: "Clients are not remembered: a command that is sent again is applied again.",
  },
  [Bug.SNAPSHOT_FORGETS_CLIENTS]: {
    name: "Snapshot forgets the clients",
    breaks: "A snapshot leaves out which requests were applied, so that a retry after it is applied again.",
  },
  [Bug.COMPARE_AT_PROPOSE]: {
    name: "Compare too early",
    breaks: "Conditions are checked when a command arrives and not when it is applied.",
  },
};

export interface BugGroup {
  readonly title: string;
  readonly bugs: readonly Bug[];
}

export const bugGroups: readonly BugGroup[] = [
  {
    title: "Durability",
    bugs: [
      Bug.SEND_BEFORE_SYNC,
      Bug.NO_FSYNC,
      Bug.FORGET_VOTE,
      Bug.FORGET_TERM,
      Bug.TORN_WRITE_KEPT,
      Bug.KEEP_CONFLICTING_TAIL,
      Bug.FORGET_APPLIED,
    ],
  },
  {
    title: "Consensus",
    bugs: [
      Bug.WRONG_QUORUM,
      Bug.ANSWER_BEFORE_COMMIT,
      Bug.APPLY_BEFORE_COMMIT,
      Bug.TWO_CONF_CHANGES,
      Bug.STALE_CONF_STATE,
      Bug.TOMBSTONE_FORGOTTEN,
    ],
  },
  {
    title: "Regions, logs, snapshots",
    bugs: [
      Bug.SKIP_EPOCH_CHECK,
      Bug.SPLIT_KEEPS_VERSION,
      Bug.SPLIT_FORGETS_HARD_STATE,
      Bug.COMPACT_WITHOUT_SNAPSHOT,
      Bug.SNAPSHOT_APPLIED_HALF,
      Bug.SNAPSHOT_KEEPS_OLD_KEYS,
    ],
  },
  {
    title: "Clients",
    bugs: [
      Bug.STALE_READ,
      Bug.READ_BEFORE_APPLY,
      Bug.LEASE_WITHOUT_QUORUM,
      Bug.LEASE_KEPT_AT_TRANSFER,
      Bug.CALLBACK_TWICE,
      Bug.RETRY_APPLIED_AGAIN,
      Bug.SNAPSHOT_FORGETS_CLIENTS,
      Bug.COMPARE_AT_PROPOSE,
    ],
  },
];

/** "Broken Raft: No fsync"; of several "Broken Raft: 3 bugs". */
export function bugsWords(bugs: readonly Bug[]): string {
  return bugs.length === 1 ? `Broken Raft: ${bugWords[bugs[0]].name}` : `Broken Raft: ${bugs.length} bugs`;
}
