package live

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

// pour has a store tell so many ticks a second, for so long.
func (c *scripted) pour(id uint64, perSecond int, d time.Duration) {
	go func() {
		for end := time.Now().Add(d); time.Now().Before(end); {
			seen := make([]*rpcpb.Seen, perSecond/100)
			for i := range seen {
				seen[i] = ticking(0)
			}
			c.tell(id, seen...)
			time.Sleep(10 * time.Millisecond)
		}
	}()
}

func TestABurstIsShownInSlicesThatAreCounted(t *testing.T) {
	c := newScripted(1)
	inTime(t, c, Limits{EventsPerSecondMax: 500}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, viewer, nil)
		v.askFor(1100 * time.Millisecond)
		keys := v.keys
		c.pour(1, 2_000, 10*time.Second)
		for range 10 {
			before := v.seq
			v.askFor(time.Second)
			if shown := v.seq - before; shown > 1_000 || shown < 250 {
				t.Errorf("%d events in a second", shown)
			}
		}
		l := v.status.Live
		if l.Events < 1_500 || l.Events > 2_500 || l.EventsShown != 500 {
			t.Errorf("it says %d of %d", l.EventsShown, l.Events)
		}
		v.askFor(3 * time.Second)
		if slices := v.keys - keys; slices < 8 || slices > 11 {
			t.Errorf("%d keyframes", slices)
		}
		if all := v.seq + v.missed; all != 20_000 {
			t.Errorf("%d shown and %d missed are not the 20,000 there were", v.seq, v.missed)
		}
	})
}

func TestAViewerThatIsALittleBehindMissesNothing(t *testing.T) {
	c := newScripted(1)
	inTime(t, c, Limits{EventsPerSecondMax: 500}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, viewer, nil)
		v.askFor(1100 * time.Millisecond)
		c.pour(1, 600, time.Second)
		v.askFor(4 * time.Second)
		if v.seq != 600 || v.missed != 0 || v.keys != 1 {
			t.Errorf("%d events shown, %d missed, %d keyframes", v.seq, v.missed, v.keys)
		}
	})
}

func TestAViewerThatFellBehindIsGivenThePresentAndInTheEndSentAway(t *testing.T) {
	c := newScripted(1)
	inTime(t, c, Limits{LogEventsMax: 1_000}, func(t *testing.T, g *Gateway) {
		v, quick := attach(t, g, viewer, nil), attach(t, g, viewer, nil)
		v.ask()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for quick.closed == "" {
				quick.take(quick.s.Handle(t.Context(), nil))
			}
		}()
		for i := 1; i <= overflowsMax; i++ {
			if i == 4 {
				time.Sleep(5 * time.Second)
			}
			c.pour(1, 3_000, time.Second)
			time.Sleep(1100 * time.Millisecond)
			f := v.ask()
			if i == overflowsMax {
				if !strings.Contains(f.Closed, "fell behind 5 times within 1m0s") {
					t.Errorf("closed: %q", f.Closed)
				}
				break
			}
			v.askFor(300 * time.Millisecond)
			if v.keys != i+1 || v.missed != uint64(i)*3_000 || v.closed != "" {
				t.Errorf("time %d: %d keyframes, %d missed, closed %q", i, v.keys, v.missed, v.closed)
			}
		}
		time.Sleep(time.Second)
		quick.s.Close()
		<-done
		if quick.missed != 0 || quick.seq < 14_000 {
			t.Errorf("who asked in time missed %d of %d", quick.missed, quick.seq)
		}
	})
}

func TestStoresThatLeaveEventsOutAreCounted(t *testing.T) {
	c := newScripted(1)
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, viewer, nil)
		v.askFor(1050 * time.Millisecond)
		c.tell(1, showing(1, 0, 900))
		v.askFor(time.Second)
		if l := v.status.Live; l.Events != 901 || l.EventsShown != 1 {
			t.Errorf("it says %d of %d", l.EventsShown, l.Events)
		}
	})
}

func TestAnInterestNarrowsWhatIsToldAndNeverTheState(t *testing.T) {
	c := newScripted(1, 2, 3)
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		beats := sessionpb.MessageType_MESSAGE_TYPE_APPEND
		viewers := map[string]*watcher{
			"all":    attach(t, g, viewer, nil),
			"region": attach(t, g, viewer, &sessionpb.Interest{RegionIds: []uint64{2}}),
			"store":  attach(t, g, viewer, &sessionpb.Interest{StoreIds: []uint64{3}}),
			"type":   attach(t, g, viewer, &sessionpb.Interest{WithoutTypes: []sessionpb.MessageType{beats}}),
			"ticks":  attach(t, g, viewer, &sessionpb.Interest{WithoutTicks: true}),
		}
		for _, v := range viewers {
			v.ask()
		}
		c.tell(1, sending(0, 2, 1), ticking(0), seenAt(0, &sessionpb.Event{Body: &sessionpb.Event_Committed{
			Committed: &sessionpb.Committed{RegionId: 1, Index: 9}}}))
		c.tell(2, arriving(0, 1, 1, 1))
		for name, v := range viewers {
			v.askFor(300 * time.Millisecond)
			if v.fold.store(1).Peers[0].Commit != 9 {
				t.Errorf("%s is not told of the state", name)
			}
		}
		for name, want := range map[string]int{"all": 4, "region": 1, "store": 1, "type": 2, "ticks": 3} {
			if got := viewers[name].said; len(got) != want {
				t.Errorf("%s is told %q", name, got)
			}
		}
		// Wide again, with a keyframe that says what is under way.
		c.tell(1, sending(0, 2, 2))
		narrow := viewers["region"]
		narrow.askFor(100 * time.Millisecond)
		narrow.ask(&sessionpb.Command{Id: 1, Command: &sessionpb.Command_SetInterest{SetInterest: &sessionpb.Interest{}}})
		narrow.askFor(500 * time.Millisecond)
		if narrow.keys != 2 || narrow.missed != 0 || len(narrow.flying) != 1 || narrow.replies[1].GetFailure() != "" {
			t.Errorf("%d keyframes, under way %v, replies %v", narrow.keys, narrow.flying, narrow.replies)
		}
		c.tell(2, arriving(0, 1, 1, 2))
		narrow.askFor(300 * time.Millisecond)
		if !slices.Contains(narrow.said, "S2 0ms delivered 2") {
			t.Errorf("it was told %q", narrow.said)
		}
	})
}

func TestAnInterestThatIsRefusedLeavesTheOneBefore(t *testing.T) {
	c := newScripted(1, 2, 3)
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, viewer, &sessionpb.Interest{WithoutTicks: true})
		v.ask()
		v.ask(&sessionpb.Command{Id: 7, Command: &sessionpb.Command_SetInterest{
			SetInterest: &sessionpb.Interest{RegionIds: make([]uint64, interestIDsMax+1)}}})
		v.askFor(100 * time.Millisecond)
		if got, want := v.replies[7].GetFailure(), "an interest names at most 1024 of a kind, not 1025"; got != want {
			t.Errorf("it is refused with %q, want %q", got, want)
		}
		c.tell(1, ticking(0), sending(0, 2, 1))
		v.askFor(300 * time.Millisecond)
		if len(v.said) != 1 || v.keys != 1 {
			t.Errorf("it is told %q and was given %d keyframes", v.said, v.keys)
		}
	})
}

func TestRoundsAreSharedAndRare(t *testing.T) {
	c := newScripted(1, 2, 3)
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		var all []*watcher
		for range 50 {
			all = append(all, attach(t, g, viewer, nil))
		}
		for _, v := range all {
			if f := v.ask(); f.Keyframe == nil {
				t.Fatal("no keyframe")
			}
		}
		// Who came after the first round had begun is in the second.
		if n := c.showsAsked(); n > 6 {
			t.Errorf("%d pictures for 50 viewers of three stores", n)
		}
		before := c.showsAsked()
		began := time.Now()
		for i := range 20 {
			all[0].ask(&sessionpb.Command{Id: uint64(i + 1), Command: &sessionpb.Command_GetKeyframe{GetKeyframe: &sessionpb.GetKeyframe{}}})
			all[0].ask()
		}
		if rounds, most := (c.showsAsked()-before)/3, int(time.Since(began)/(250*time.Millisecond))+1; rounds > most || rounds == 0 {
			t.Errorf("%d rounds in %v", rounds, time.Since(began))
		}
		all[0].askFor(time.Second)
		if len(all[0].replies) != 20 || all[0].replies[20].Failure != "" {
			t.Errorf("replies: %v", all[0].replies)
		}
	})
}

// With a hundred viewers a slice is five seconds long, in which the log may forget where a viewer stands that was told to
// wait. That is not the viewer's fault.
func TestAViewerOfACrowdIsNotSentAwayForWaitingAsItWasToldTo(t *testing.T) {
	c := newScripted(1)
	limits := Limits{EventsPerSecondMax: 500, LogEventsMax: 2_000, IdleMax: 10 * time.Minute}
	inTime(t, c, limits, func(t *testing.T, g *Gateway) {
		for range 99 {
			attach(t, g, viewer, nil).ask()
		}
		v := attach(t, g, viewer, nil)
		v.askFor(1100 * time.Millisecond)
		keys := v.keys
		c.pour(1, 2_000, 40*time.Second)
		v.askFor(45 * time.Second)
		if v.closed != "" {
			t.Fatalf("it was sent away: %s", v.closed)
		}
		if all := v.seq + v.missed; all != 80_000 {
			t.Errorf("%d shown and %d missed are not the 80,000 there were", v.seq, v.missed)
		}
		if pictures := v.keys - keys; pictures < 6 || pictures > 10 {
			t.Errorf("%d keyframes in 40 s", pictures)
		}
	})
}

func TestStoresAreAskedForTheirSharesOfASlice(t *testing.T) {
	c := newScripted(1, 2, 3)
	inTime(t, c, Limits{EventsPerSecondMax: 1_600}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, viewer, nil)
		asked := func() (limits []uint32, rest time.Duration) {
			synctest.Wait()
			c.mu.Lock()
			defer c.mu.Unlock()
			for id := uint64(1); id <= 3; id++ {
				limits, rest = append(limits, c.streams[id].limit), c.streams[id].rest
			}
			return limits, rest
		}
		v.askFor(time.Second)
		if limits, rest := asked(); !slices.Equal(limits, []uint32{1_600, 1_600, 1_600}) || rest != 1250*time.Millisecond {
			t.Errorf("at first %v are asked for, with a rest of %v", limits, rest)
		}
		busy := func(seconds int, perSecond ...uint64) {
			c.busy(perSecond...)
			for range seconds {
				v.askFor(time.Second)
			}
			synctest.Wait()
		}
		// Five times as many as a viewer is shown: it is shown a fifth of the limit.
		busy(3, 6_000, 1_900, 100)
		if limits, _ := asked(); limits[0] < 230 || limits[0] > 250 || limits[1] < 66 || limits[1] > 86 || limits[2] < 20 || limits[2] > 30 {
			t.Errorf("of 6,000, 1,900 and 100 events a second %v are asked for", limits)
		}
		shows := c.showsAsked()
		busy(5, 6_000, 1_900, 100)
		if pictures := (c.showsAsked() - shows) / 3; pictures < 4 || pictures > 6 {
			t.Errorf("%d rounds in five slices", pictures)
		}
		busy(3, 100, 100, 100)
		if limits, _ := asked(); !slices.Equal(limits, []uint32{1_600, 1_600, 1_600}) {
			t.Errorf("when there is little to tell %v are asked for", limits)
		}
		shows = c.showsAsked()
		busy(5, 100, 100, 100)
		if pictures := c.showsAsked() - shows; pictures != 0 {
			t.Errorf("%d pictures when there is little to tell", pictures)
		}
	})
}
