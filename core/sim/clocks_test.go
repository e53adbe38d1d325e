package sim_test

import (
	"fmt"
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// ticksOf are the times at which a store ticked.
func ticksOf(seen []*sessionpb.Event, store uint64) []int64 {
	var ticks []int64
	for _, e := range seen {
		if e.StoreId == store && e.GetTicked() != nil {
			ticks = append(ticks, e.TimeMicros)
		}
	}
	return ticks
}

func TestAClockTicksAtItsRate(t *testing.T) {
	for rate, want := range map[uint32]int{0: 100, 1_000_000: 100, 2_000_000: 200, 500_000: 50, 3_000_000: 300, 700_000: 70} {
		cfg := sim.DefaultConfig()
		cfg.Clocks = []*sessionpb.StoreClock{{StoreId: 2, Clock: &sessionpb.Clock{RatePpm: rate}}}
		var seen recording
		w, err := sim.New(cfg, &seen)
		if err != nil {
			t.Fatal(err)
		}
		w.RunUntil(10_000_000)
		if n := len(ticksOf(seen, 2)); n < want-1 || n > want+1 {
			t.Errorf("rate %d: %d ticks in 10 s, want %d", rate, n, want)
		}
		if n := len(ticksOf(seen, 1)); n < 99 || n > 101 {
			t.Errorf("rate %d: a store with a true clock ticks %d times", rate, n)
		}
		shows := int64(0)
		if rate != 0 && rate != 1_000_000 {
			shows = 10 * int64(rate)
		}
		if got := state(w, 2).LocalMicros; got != shows {
			t.Errorf("rate %d: after 10 s it shows %d, want %d", rate, got, shows)
		}
	}
}

func TestAClockIsSetWhileItsStoreRuns(t *testing.T) {
	var seen recording
	w := newWorld(t, &seen)
	w.RunUntil(1_000_000)
	act(t, w, setClock(2, &sessionpb.Clock{RatePpm: 4_000_000}, 250_000))
	set := seen[len(seen)-3].GetClockSet() // leases are on: two ModelLeft follow
	if set.GetLocalMicros() != 1_250_000 || set.GetJumpMicros() != 250_000 || set.GetClock().GetRatePpm() != 4_000_000 {
		t.Errorf("told is %v", seen[len(seen)-3:])
	}
	from := len(seen)
	w.RunUntil(2_000_000)
	if n := len(ticksOf(seen[from:], 2)); n < 39 || n > 41 {
		t.Errorf("four times as fast it ticks %d times in a second", n)
	}
	if got := state(w, 2).LocalMicros; got != 5_250_000 {
		t.Errorf("it shows %d", got)
	}
	// Back to the truth, but for what it has gained; the tick on its way is moved with the clock.
	act(t, w, setClock(2, &sessionpb.Clock{}, 0))
	if clocks := w.Config().Clocks; len(clocks) != 0 {
		t.Errorf("clocks that are wrong: %v", clocks)
	}
	from = len(seen)
	w.RunUntil(3_000_000)
	ticks := ticksOf(seen[from:], 2)
	if len(ticks) < 9 || len(ticks) > 11 || ticks[1]-ticks[0] != 100_000 {
		t.Errorf("true again it ticks at %v", ticks)
	}
	if got := state(w, 2).LocalMicros; got != 6_250_000 {
		t.Errorf("it shows %d", got)
	}
	// A jump moves what it shows, and no tick.
	act(t, w, setClock(2, nil, -6_000_000))
	from = len(seen)
	w.RunUntil(4_000_000)
	if next := ticksOf(seen[from:], 2); next[0] != ticks[len(ticks)-1]+100_000 {
		t.Errorf("after a jump back it ticks at %v, before at %v", next, ticks)
	}
	if got := state(w, 2).LocalMicros; got != 1_250_000 {
		t.Errorf("it shows %d", got)
	}
}

// Ticks come late, never early, and never closer together than a base tick: what a lease is made of.
func TestTicksComeLate(t *testing.T) {
	cfg := sim.DefaultConfig()
	cfg.Clocks = []*sessionpb.StoreClock{{StoreId: 2, Clock: &sessionpb.Clock{LateMicros: 250_000}}}
	var seen recording
	w, err := sim.New(cfg, &seen)
	if err != nil {
		t.Fatal(err)
	}
	w.RunUntil(20_000_000)
	ticks := ticksOf(seen, 2)
	shortest, longest := int64(1<<40), int64(0)
	for i := 1; i < len(ticks); i++ {
		shortest, longest = min(shortest, ticks[i]-ticks[i-1]), max(longest, ticks[i]-ticks[i-1])
	}
	if shortest < 100_000 || longest > 350_000 || longest-shortest < 200_000 {
		t.Errorf("ticks are %d to %d µs apart", shortest, longest)
	}
	if w.Leader() == 0 || len(w.Keyframe().ModelLeft) != 0 {
		t.Errorf("S%d leads, outside of the model for %q", w.Leader(), w.Keyframe().ModelLeft)
	}
}

// No clock makes a store panic, whatever it shows and however it jumps, and a cluster of wrong clocks still agrees.
func TestClocksJumpToAndFro(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		var seen recording
		w, _ := settledLeader(t, seed, &seen)
		for i := range 60 {
			store := uint64(1 + i%5)
			jump := int64(i*7919%13-6) * 300_000
			if _, err := w.Act(setClock(store, &sessionpb.Clock{RatePpm: uint32(200_000 + i*104_729%3_000_000)}, jump)); err != nil && jump >= 0 {
				t.Fatal(err)
			}
			act(t, w, put(0, "city", fmt.Sprintf("Nara %d", i)))
			act(t, w, leaseRead(0, "city"))
			w.RunUntil(w.Now() + 400_000)
			if i%11 == 0 && w.Store(store) != nil {
				act(t, w, crash(store))
				w.RunUntil(w.Now() + 100_000)
				act(t, w, restart(store))
			}
		}
		for store := uint64(1); store <= 5; store++ {
			act(t, w, setClock(store, &sessionpb.Clock{}, 1))
		}
		w.RunUntil(w.Now() + 10_000_000)
		act(t, w, put(elect(t, w), "city", "Osaka"))
		wantAgreement(t, w, "city", "Osaka")
	}
}

// What a clock or a disk cannot be made to do.
func TestImpossibleClocksAndDisks(t *testing.T) {
	w := newWorld(t)
	w.RunUntil(1_000_000)
	keeps, moment := crash(1), crash(1)
	keeps.GetCrashStore().Keeps, moment.GetCrashStore().Moment = 9, 9
	before := fmt.Sprint(w.Keyframe())
	for _, c := range []struct {
		action *sessionpb.Action
		want   string
	}{
		{setClock(2, nil, 0), "the clock is to do nothing new"},
		{setClock(2, &sessionpb.Clock{RatePpm: 9_999}, 0), "a clock runs at 10000 to 10000000 millionths of true time, or truly with 0, not at 9999"},
		{setClock(2, &sessionpb.Clock{LateMicros: -1}, 0), "the lateness of a tick must be 0 ms to 10000 ms, not -0.001 ms"},
		{setClock(2, nil, 3_600_000_001), "a clock's jump must be -3600000 ms to 3600000 ms, not 3600000.001 ms"},
		{setClock(2, nil, -1_000_000), "S2's clock shows 1000 ms and does not go back by 1000 ms, to before its beginning"},
		{setClock(6, nil, 1), "there is no S6: the cluster has 5 stores"},
		{setClock(10, nil, 1), "there is no S10: a cluster has S1 to S9 at most"},
		{failDisk(1, 7), "there is no fault 7 of a disk"},
		{failDisk(1, mended), "S1's disk has no fault to be mended"},
		{failDisk(6, diskFull), "there is no S6: the cluster has 5 stores"},
		{setDisk(0, nil), "the disk has no settings"},
		{setDisk(1, nil), "S1's disk is like every other already"},
		{setDisk(6, &sessionpb.Disk{}), "there is no S6: the cluster has 5 stores"},
		{setDisk(10, nil), "there is no S10: a cluster has S1 to S9 at most"},
		{setDisk(1, &sessionpb.Disk{JitterMicros: 1_000_001}), "the disk's jitter must be 0 ms to 1000 ms, not 1000.001 ms"},
		{corruptDisk(0), "there is no S0: a cluster has S1 to S9 at most"},
		{corruptDisk(6), "there is no S6: the cluster has 5 stores"},
		{keeps, "a crash cannot keep 9"},
		{moment, "there is no moment 9 to crash at"},
		{crashBeforeSync(6, keepsNone), "there is no S6: the cluster has 5 stores"},
	} {
		if _, err := w.Act(c.action); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v, want %q", c.action, err, c.want)
		}
	}
	if after := fmt.Sprint(w.Keyframe()); after != before {
		t.Errorf("refused, and something changed:\n%s\n%s", before, after)
	}
	act(t, w, failDisk(1, diskFull))
	if _, err := w.Act(failDisk(1, diskFull)); err == nil || err.Error() != "S1's disk has that fault already" {
		t.Errorf("filled twice: %v", err)
	}
	act(t, w, crashBeforeSync(2, keepsSome))
	if _, err := w.Act(crashBeforeSync(2, keepsSome)); err == nil || err.Error() != "S2 is about to crash in that way already" {
		t.Errorf("to crash twice: %v", err)
	}
	for want, change := range map[string]func(*sessionpb.Config){
		"a disk is given to S6, and the cluster has 5 stores":  func(c *sessionpb.Config) { c.Disks = []*sessionpb.StoreDisk{{StoreId: 6}} },
		"a clock is given to S0, and the cluster has 5 stores": func(c *sessionpb.Config) { c.Clocks = []*sessionpb.StoreClock{{}} },
		"S1's disk: the disk has no settings":                  func(c *sessionpb.Config) { c.Disks = []*sessionpb.StoreDisk{{StoreId: 1}} },
		"a clock is given to S1 twice":                         func(c *sessionpb.Config) { c.Clocks = []*sessionpb.StoreClock{{StoreId: 1}, {StoreId: 1}} },
		"S1's clock: the lateness of a tick must be 0 ms to 10000 ms, not -0.001 ms": func(c *sessionpb.Config) {
			c.Clocks = []*sessionpb.StoreClock{{StoreId: 1, Clock: &sessionpb.Clock{LateMicros: -1}}}
		},
	} {
		cfg := sim.DefaultConfig()
		change(cfg)
		if err := sim.Validate(cfg); err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
