/** The field's terms, each explained in a sentence. */
export const glossary = {
  term: "A term is one stretch of leadership, numbered upwards: each election starts a new one, and each term has at most one leader.",
  "voted for": "In each term a store votes for at most one candidate, and writes that down before it answers, so that it cannot vote twice.",
  leader: "The leader takes all commands of a term, appends them to its log and sends them to the followers.",
  log: "The log is the list of commands in the order all stores will carry them out; each entry carries the term it was made in.",
  synced: "An entry is synced when the disk has it for good: a crash loses everything past the synced line.",
  committed: "An entry is committed when a quorum of stores holds it durably: no later leader can lose it.",
  applied: "An entry is applied when the store has carried out its command on its keys; only committed entries are applied.",
  "election timer": "A follower that hears nothing from a leader until this timer is full asks for votes; each timeout is random, so that two seldom fire at once.",
  "quorum check": "A leader steps down when it has not heard from a quorum within this time.",
  votes: "A candidate that gathers the votes of a quorum becomes leader.",
  match: "The last entry that the leader knows the follower to hold durably.",
  next: "The entry that the leader will send to the follower next.",
  state: "probe: the leader finds out where the logs agree, one message at a time; replicate: it streams entries; snapshot: it sends its whole state.",
  revision: "The log entry that wrote this value.",
  "pre-vote": "Before a real election a store asks whether it could win, without raising the term: a store that was cut off disturbs nobody when it returns.",
  commit: "The last entry that the sender knows to be committed.",
  latency: "How long a message travels.",
  jitter: "Each message's latency is drawn from latency ± jitter; with enough of it, messages overtake each other.",
  loss: "How many of a hundred messages the network loses.",
  write: "How long a store's disk takes to write a batch; until it is synced, a crash still loses it.",
  fsync: "How long a store's disk takes to make what is written durable.",
} as const;

export type GlossaryTerm = keyof typeof glossary;
