package sim_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// storm does everything that can be done to a cluster of many regions at once, at random. What it knows of each key is
// which values it may have.
type storm struct {
	*cluster
	draw *rand.Rand
	// may are the values that a key may have: the last one that was acknowledged, or "" for none, and those that were
	// asked for after it.
	may    map[string][]string
	writes map[uint64]written // not yet judged
	reads  map[uint64]written
	busy   map[string]bool // keys with a write that is not answered
	down   []uint64
	values int
	log    []string
}

// written is a write of a value, or a read that saw the values before it begin.
type written struct {
	key, value string
	may        []string
}

func stormKey(i int) string { return fmt.Sprintf("key%02d", i) }

func (s *storm) key() string { return stormKey(s.draw.IntN(40)) }

// judge looks at what was answered since the last time.
func (s *storm) judge() {
	s.t.Helper()
	for _, operation := range slices.Sorted(maps.Keys(s.writes)) {
		answer, w := s.answers[operation], s.writes[operation]
		if answer == nil {
			continue
		}
		delete(s.writes, operation)
		delete(s.busy, w.key)
		may := s.may[w.key]
		at := slices.Index(may, w.value)
		switch e := answer.GetHeader().GetError(); {
		case e == nil:
			s.may[w.key] = slices.Clone(may[at:])
		case e.GetOutcome() == notApplied:
			s.may[w.key] = slices.Delete(slices.Clone(may), at, at+1)
		}
	}
	for _, operation := range slices.Sorted(maps.Keys(s.reads)) {
		answer, r := s.answers[operation], s.reads[operation]
		if answer == nil {
			continue
		}
		delete(s.reads, operation)
		if answer.GetHeader().GetError() != nil {
			continue
		}
		got := string(answer.GetResponses()[0].GetGet().GetValue())
		// A write that began after the read may be seen too.
		if !slices.Contains(r.may, got) && !slices.Contains(s.may[r.key], got) {
			s.t.Fatalf("%s reads as %q, which is none of %v and %v: %v", r.key, got, r.may, s.may[r.key], answer)
		}
	}
}

// something does one thing.
func (s *storm) something() {
	key := s.key()
	region := s.regionAt(key)
	store := func() uint64 { return 1 + s.draw.Uint64N(uint64(s.w.Config().GetStores())) }
	switch n := s.draw.IntN(100); {
	case n < 35:
		if s.busy[key] {
			return
		}
		s.values++
		value := fmt.Sprint("v", s.values, strings.Repeat(".", s.draw.IntN(60)))
		op, err := s.w.Act(proposalTo(0, command(putRequest(key, value))))
		if err == nil {
			s.may[key] = append(slices.Clone(s.may[key]), value)
			s.writes[op], s.busy[key] = written{key: key, value: value}, true
		}
	case n < 55:
		mode := []raftcmdpb.ReadMode{readIndex, readLease, readLog}[s.draw.IntN(3)]
		to := uint64(0)
		if s.draw.IntN(3) == 0 {
			to = store()
		}
		op, err := s.w.Act(proposalTo(to, read(mode, key)))
		if err == nil {
			s.reads[op] = written{key: key, may: slices.Clone(s.may[key])}
		}
	case n < 62:
		s.admin(region, splitAt(key))
	case n < 68:
		s.admin(region, changePeers(addVoter(store())))
	case n < 72:
		s.admin(region, changePeers(addLearner(store())))
	case n < 79:
		s.admin(region, changePeers(removePeer(store())))
	case n < 82:
		a, b := addVoter(store()), removePeer(store())
		s.admin(region, changePeersBy(raftcmdpb.ConfTransition(s.draw.IntN(3)), a, b))
	case n < 84:
		s.admin(region, leaveJoint())
	case n < 88:
		s.admin(region, transferTo(store()))
	case n < 90:
		s.admin(region, compactTo(0))
	case n < 93:
		s.fail()
	case n < 96:
		s.mend()
	case n < 98:
		some := []uint64{store(), store()}
		s.note("cut off %v", some)
		s.cut = s.alone(some...)
	default:
		s.note("heal")
		s.cut = nil
	}
}

func (s *storm) note(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf("%d µs: ", s.w.Now())+fmt.Sprintf(format, args...))
}

// regionAt is the region that holds a key, as any store that is up knows it.
func (s *storm) regionAt(key string) *metapb.Region {
	for _, id := range s.stores() {
		if up := s.w.Store(id); up != nil {
			if r := up.RegionOf([]byte(key)); r != nil && s.leaderOf(r.GetId()) == id {
				return r
			}
		}
	}
	return nil
}

func (s *storm) admin(region *metapb.Region, admin *raftcmdpb.AdminRequest) {
	if region == nil {
		return
	}
	request := administer(admin)
	request.Header = &raftcmdpb.RequestHeader{RegionId: region.GetId()}
	op, err := s.w.Act(proposalTo(s.leaderOf(region.GetId()), request))
	s.note("region %d: %v: %d %v", region.GetId(), admin, op, err)
}

func (s *storm) fail() {
	id := 1 + s.draw.Uint64N(uint64(s.w.Config().GetStores()))
	if len(s.down) < 2 && !slices.Contains(s.down, id) {
		s.note("crash S%d", id)
		s.crash(id)
		s.down = append(s.down, id)
	}
}

func (s *storm) mend() {
	if len(s.down) > 0 {
		s.note("restart S%d", s.down[0])
		s.restart(s.down[0])
		s.down = s.down[1:]
	}
}

var stormSeeds = flag.String("storm", "1-10", "the seeds of TestTiKVStorm: one, or from-to")

// Many regions under splits, changes of members, transfers, compactions, crashes, partitions and loss, at random. No judge
// says anything, no key ever has a value that it cannot have, and when the storm is over every region settles.
func TestTiKVStorm(t *testing.T) {
	from, to, _ := strings.Cut(*stormSeeds, "-")
	first, err := strconv.ParseUint(from, 10, 64)
	last, errLast := strconv.ParseUint(cmp.Or(to, from), 10, 64)
	if err := errors.Join(err, errLast); err != nil {
		t.Fatal(err)
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			draw := rand.New(rand.NewPCG(seed, 99))
			change := func(cfg *sessionpb.Config) {
				cfg.Seed = seed
				cfg.Stores, cfg.Members = 5, 3
				cfg.ClientTimeoutMicros = second
				cfg.Network.LossPpm = uint32(draw.IntN(3)) * 20_000
				cfg.Raft.SnapshotChunkBytesMax = 128
				cfg.Raft.LogEntriesMax, cfg.Raft.LogEntriesKept = 20, uint32(draw.IntN(10))
				cfg.Raft.PreVote = draw.IntN(4) > 0
				if draw.IntN(2) == 0 {
					cfg.Raft.RegionBytesMax = 1024
				}
				if draw.IntN(3) == 0 {
					cfg.Raft.SleepTicks = 20
				}
			}
			onCluster(t, change, func(c *cluster) {
				s := &storm{cluster: c, draw: draw, may: map[string][]string{}, writes: map[uint64]written{},
					reads: map[uint64]written{}, busy: map[string]bool{}}
				defer func() {
					if p := recover(); p != nil || t.Failed() {
						t.Logf("what was done:\n%s\nagain: go test ./core/sim -run TestTiKVStorm -storm %d", strings.Join(s.log, "\n"), seed)
						if p != nil {
							panic(p)
						}
					}
				}()
				for i := range 40 {
					s.may[stormKey(i)] = []string{""}
				}
				s.watch = s.watchRanges
				for range 400 {
					s.something()
					s.lose()
					s.pass(s.draw.Int64N(second / 5))
					s.judge()
				}
				for len(s.down) > 0 {
					s.mend()
				}
				s.cut = nil
				s.act(setNetwork(20_000))
				all := s.mustCalm()
				s.pass(2 * second)
				s.judge()
				for i := range 40 {
					key := stormKey(i)
					if !slices.Contains(s.may[key], all[key]) {
						t.Fatalf("%s is %q in the end, which is none of %q", key, all[key], s.may[key])
					}
				}
				for operation, times := range s.ended {
					if times != 1 {
						t.Fatalf("operation %d is answered %d times", operation, times)
					}
				}
			})
		})
	}
}
