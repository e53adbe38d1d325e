package check

// What the judges had to judge. A judge that never met its case proves nothing by its silence.
const (
	caseLeaderAlive = iota
	caseLeaderBesideLeader
	caseEntryOnTwo
	caseTailCut
	caseLeaderAfterApplied
	caseAppliedOnTwo
	caseVoteHeld
	caseRestartWithVote
	caseRestartCompared
	caseLogCompared
	caseNeighbours
	caseEpochAgain
	caseQuorumWithoutOne
	caseAnswered
	caseChangeAfterChange
	casesEnd
)

// caseNames are by case.
var caseNames = [casesEnd]Case{
	caseLeaderAlive:        {Judge: judgeElectionSafety, Name: "a term got its leader while the store that led before was up"},
	caseLeaderBesideLeader: {Judge: judgeElectionSafety, Name: "a term got its leader while another store still led an earlier one"},
	caseEntryOnTwo:         {Judge: judgeLogMatching, Name: "an entry was seen on one more store"},
	caseTailCut:            {Judge: judgeLogMatching, Name: "the tail of a log was cut off"},
	caseLeaderAfterApplied: {Judge: judgeLeaderCompleteness, Name: "a leader took office after entries of an earlier term were applied"},
	caseAppliedOnTwo:       {Judge: judgeStateMachine, Name: "an entry was applied on one more store"},
	caseVoteHeld:           {Judge: judgeOneVote, Name: "a vote was held against a later event of its term"},
	caseRestartWithVote:    {Judge: judgeOneVote, Name: "a store with a synced vote was compared after a crash"},
	caseRestartCompared:    {Judge: judgeMonotonic, Name: "a store's term and indexes were compared after a crash with what it had synced"},
	caseLogCompared:        {Judge: judgeDurability, Name: "a log was compared after a crash with what had been synced of it"},
	caseNeighbours:         {Judge: judgeRegionShape, Name: "two regions on one store were compared"},
	caseEpochAgain:         {Judge: judgeRegionShape, Name: "an epoch was seen again on another store"},
	caseQuorumWithoutOne:   {Judge: judgeDurableCommit, Name: "a quorum held an entry that another voter had not synced"},
	caseAnswered:           {Judge: judgeSyncFirst, Name: "a store promised something that had to be synced"},
	caseChangeAfterChange:  {Judge: judgeOneChange, Name: "a leader changed members after it had seen another change of them"},
}

// Case is something that a judge is there for, and how often it came.
type Case struct {
	Judge, Name string
	Count       uint64
}

// Cases tells how often each judge's cases came since New; always the same cases, in the same order. What Rewind took back
// counts as well.
func (j *Judges) Cases() []Case {
	cases := caseNames
	for i := range cases {
		cases[i].Count = j.cases[i]
	}
	return cases[:]
}
