package check

import (
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// sets applies an entry that changes a key.
func (c *court) sets(store, index uint64, key string) uint64 {
	return c.say(store, &sessionpb.Event{Body: &sessionpb.Event_Applied{Applied: &sessionpb.Applied{
		RegionId: 1, Index: index, Term: 1, Digest: index, Changes: []*sessionpb.KeyChange{{Key: []byte(key)}}}}})
}

func TestAnEntryChangesAKeyOfAnotherRegion(t *testing.T) {
	c := newCourt(t)
	shape := c.changes(1, regionOf(1, 1, 2, "b", "m", 1))
	for i, key := range []string{"b", "lz"} {
		c.sets(1, uint64(1+i), key)
	}
	c.wantsNothing()
	c.wants(judgeRegionShape, `entry 3 of region 1 changes key "m" on S1, where the region is ["b", "m")`, shape, c.sets(1, 3, "m"))
}

func TestKeysOfARegionWithoutAnEnd(t *testing.T) {
	c := newCourt(t)
	c.sets(1, 1, "a") // whose shape nobody has seen
	c.changes(1, regionOf(1, 1, 2, "", "", 1))
	c.sets(1, 2, "")
	c.sets(1, 3, "zz")
	c.wantsNothing()
}

// changesMembers has a store write an entry that changes the members.
func (c *court) changesMembers(store, index, term uint64) uint64 {
	return c.handsOver(store, &sessionpb.PeerWrite{Term: term, FirstIndex: index, LastIndex: index, Entries: []*sessionpb.LogEntry{
		{Index: index, Term: term, Digest: index, Type: sessionpb.EntryType_ENTRY_TYPE_CONF_CHANGE}}})
}

func TestTwoChangesOfMembersAtOnce(t *testing.T) {
	c := newCourt(t)
	c.leads(1, 1)
	c.writes(1, 1, 0, 1)
	c.applies(1, 1, 1, 0)
	first := c.changesMembers(1, 2, 1)
	second := c.changesMembers(1, 3, 1)
	c.wants(judgeOneChange, "S1 begins with entry 3 another change of the members of region 1, and has not applied that of entry 2", first, second)
}

func TestOneChangeOfMembersAfterTheOtherIsFine(t *testing.T) {
	c := newCourt(t)
	c.leads(1, 1)
	c.writes(1, 1, 0, 1)
	c.applies(1, 1, 1, 0)
	c.changesMembers(1, 2, 1)
	c.applies(1, 2, 1, 2)
	c.changesMembers(1, 3, 1)
	// A follower learns of both in whatever order of writing and applying.
	c.writes(2, 1, 0, 1)
	c.changesMembers(2, 2, 1)
	c.changesMembers(2, 3, 1)
	c.wantsNothing()
}

func TestAChangeOfMembersThatWasReplacedIsNone(t *testing.T) {
	c := newCourt(t)
	c.leads(1, 1)
	c.writes(1, 1, 0, 1)
	c.applies(1, 1, 1, 0)
	c.changesMembers(1, 2, 1)
	c.writes(1, 2, 0, 2) // by another leader's entry
	c.leads(1, 3)
	c.changesMembers(1, 3, 3)
	c.wantsNothing()
}

func TestAnEntryDoesTwoThings(t *testing.T) {
	c := newCourt(t)
	first := c.sets(1, 1, "a")
	c.sets(2, 1, "a")
	c.wantsNothing()
	c.wants(judgeStateMachine, "entry 1 of region 1 does one thing on S1 and another on S3", first, c.sets(3, 1, "b"))
}
