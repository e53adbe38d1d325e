package sim_test

import (
	"math"
	"strings"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/sim"
)

// A run that stands at the end of time would have its clock start over at the beginning.
func TestARunPastTheClockIsRefused(t *testing.T) {
	crash := func(at int64) []*sessionpb.Action {
		return []*sessionpb.Action{{ByTime: true, AtMicros: at, Action: &sessionpb.Action_CrashStore{
			CrashStore: &sessionpb.CrashStore{StoreId: 1}}}}
	}
	for why, run := range map[string]*sessionpb.Run{
		"a run stands at": {NowMicros: math.MaxInt64},
		"not at -1 ms":    {NowMicros: -1_000},
		"action 1 of":     {Actions: crash(math.MaxInt64)},
	} {
		run.Config = sim.DefaultConfig()
		if err := sim.ValidateRun(run); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("the refusal is %v, and should say %q", err, why)
		}
	}
	if err := sim.ValidateRun(&sessionpb.Run{Config: sim.DefaultConfig(), Actions: crash(1 << 53), NowMicros: 1 << 53}); err != nil {
		t.Error(err)
	}
}
