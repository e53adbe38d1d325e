package sim_test

import (
	"strings"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

func TestWhatRaftDoesNotBear(t *testing.T) {
	leases, none := sim.DefaultConfig(), sim.DefaultConfig()
	none.Raft.LeaseReads = false
	readers := sim.DefaultConfig()
	readers.Workloads = []*sessionpb.Workload{{ReadModes: []raftcmdpb.ReadMode{readIndex, readLease}}}
	bugs := sim.DefaultConfig()
	bugs.Bugs = []sessionpb.Bug{sessionpb.Bug_BUG_NO_FSYNC}
	drifting := sim.DefaultConfig()
	drifting.Clocks = []*sessionpb.StoreClock{{StoreId: 2, Clock: &sessionpb.Clock{RatePpm: 1_001_001}}}
	rate := func(ppm uint32) *sessionpb.Action { return setClock(2, &sessionpb.Clock{RatePpm: ppm}, 0) }
	for _, c := range []struct {
		what    string
		cfg     *sessionpb.Config
		action  *sessionpb.Action
		reasons string // a part of each, joined
	}{
		{"nothing", leases, nil, ""},
		{"bugs", bugs, nil, "on purpose"},
		{"a clock that is wrong from the start", drifting, nil, "further"},
		{"a restart", leases, restart(2), ""},
		{"a wiped restart", none, restartWiped(2), "empty disk"},
		{"corruption", none, corruptDisk(2), "changed what was written"},
		{"a crash that keeps some", leases, crashKeeping(2, keepsSome), ""},
		{"a crash that tears", leases, crashBeforeSync(2, keepsTorn), ""},
		{"a failing sync", leases, failDisk(2, syncError), ""},
		{"a pause", leases, pause(2), ""},
		{"a clock within bounds", leases, rate(1_001_000), ""},
		{"a slow clock within bounds", leases, rate(999_000), ""},
		{"a fast clock", leases, rate(1_001_001), "further"},
		{"a slow clock", leases, rate(998_999), "further"},
		{"a slow clock without leases", none, rate(500_000), ""},
		{"late ticks", leases, setClock(2, &sessionpb.Clock{LateMicros: 9_000_000}, 0), ""},
		{"a jump back", leases, setClock(2, nil, -1), "went back"},
		{"a jump", leases, setClock(2, nil, 1), "leapt"},
		{"a fast clock that jumps", leases, setClock(2, &sessionpb.Clock{RatePpm: 2_000_000}, 1), "further leapt"},
		{"jumps without leases", none, setClock(2, nil, -1), ""},
		{"a timer fired by hand", leases, timeOut(2), ""},
		{"a timer fired by hand among readers by lease", readers, timeOut(2), "by hand"},
		{"a timer set short among readers by lease", readers, setTimeout(2, 14), "shorter"},
		{"a timer set among readers by lease", readers, setTimeout(2, 15), ""},
	} {
		got, parts := sim.LeavesModel(c.cfg, c.action), strings.Fields(c.reasons)
		if c.reasons == "" && len(got) > 0 || c.reasons != "" && len(got) == 0 {
			t.Errorf("%s: %q", c.what, got)
		}
		if all := strings.Join(got, " "); !strings.Contains(all, c.reasons) {
			for _, part := range parts {
				if !strings.Contains(all, part) {
					t.Errorf("%s: %q does not say %q", c.what, got, part)
				}
			}
		}
	}
}

// Each reason is told once, by whatever order it comes.
func TestTheModelIsLeftOnce(t *testing.T) {
	var seen recording
	cfg := sim.DefaultConfig()
	cfg.Bugs = []sessionpb.Bug{sessionpb.Bug_BUG_TORN_WRITE_KEPT}
	w, err := sim.New(cfg, &seen)
	if err != nil {
		t.Fatal(err)
	}
	w.RunUntil(1_000_000)
	for range 2 {
		act(t, w, setClock(2, &sessionpb.Clock{RatePpm: 500_000}, -1))
	}
	told := 0
	for _, e := range seen {
		if e.GetModelLeft() != nil {
			told++
		}
	}
	if left := w.Keyframe().ModelLeft; told != 3 || len(left) != 3 || seen[1].GetModelLeft() == nil {
		t.Errorf("told %d times, for %q", told, left)
	}
}
