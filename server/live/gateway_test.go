package live

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

const (
	viewer   = sessionpb.ViewerRole_VIEWER_ROLE_VIEWER
	operator = sessionpb.ViewerRole_VIEWER_ROLE_OPERATOR
)

// inTime runs a test on a clock of its own, with a gateway to a scripted cluster, and notices a goroutine that stays.
func inTime(t *testing.T, c *scripted, limits Limits, test func(t *testing.T, g *Gateway)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g, err := Open(Config{Cluster: c, Operator: c, Embedded: true, Version: "0.1.0-test", Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := g.Close(); err != nil {
				t.Error(err)
			}
		}()
		c.heartbeat(t)
		test(t, g)
	})
}

func TestAViewerBeginsWithTheClusterAsItStands(t *testing.T) {
	c := newScripted(1, 2, 3)
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, viewer, nil)
		f := v.ask()
		if f.Hello == nil || f.Keyframe == nil {
			t.Fatalf("the first frame is %v", f)
		}
		h := f.Hello
		if h.SourceKind != sessionpb.SourceKind_SOURCE_KIND_LIVE || h.Live.ClusterId != 7 || len(h.Live.Stores) != 3 || !h.Live.Embedded ||
			h.Live.Role != viewer || h.ConfigDefault.Stores != 3 || h.ConfigDefault.Raft.ElectionTicksMin != 15 || h.Limits.KeyBytesMax != 4096 {
			t.Errorf("the hello is %v", h)
		}
		if len(f.Keyframe.Stores) != 3 || f.Keyframe.Stores[2].Peers[0].PeerId != 103 || !f.Keyframe.Stores[0].Up {
			t.Errorf("the keyframe is %v", f.Keyframe)
		}
		c.tell(1, sending(0, 2, 5))
		c.tell(2, arriving(0, 1, 1, 5))
		v.askFor(time.Second)
		if want := []string{"S1 0ms sent 1", "S2 0ms delivered 1"}; !slices.Equal(v.said, want) {
			t.Errorf("it was told %q, want %q", v.said, want)
		}
	})
}

func TestWhatAViewerMayAskForFollowsItsRole(t *testing.T) {
	c := newScripted(1)
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		for role, want := range map[sessionpb.ViewerRole]int{viewer: 2, operator: 6} {
			if v := attach(t, g, role, nil); len(v.ask().Hello.Capabilities) != want {
				t.Errorf("%v may ask for %v", role, v.hello.Capabilities)
			}
		}
		g.cfg.Operator = nil
		if v := attach(t, g, operator, nil); len(v.ask().Hello.Capabilities) != 4 {
			t.Errorf("without an operator: %v", v.hello.Capabilities)
		}
	})
}

func TestAFrameWaitsForSomethingToHappen(t *testing.T) {
	c := newScripted(1)
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, viewer, nil)
		v.askFor(time.Second)
		began := time.Now()
		go func() {
			time.Sleep(100 * time.Millisecond)
			c.tell(1, ticking(0))
		}()
		v.ask()
		if took := time.Since(began); took < 100*time.Millisecond || took > 120*time.Millisecond || len(v.said) != 1 {
			t.Errorf("a frame with %q after %v", v.said, took)
		}
		began = time.Now()
		frames := 0
		go func() {
			for time.Since(began) < time.Second {
				c.tell(1, ticking(0))
				time.Sleep(time.Millisecond)
			}
		}()
		for ; time.Since(began) < time.Second; frames++ {
			v.ask()
		}
		if frames < 28 || frames > 31 {
			t.Errorf("%d frames in a busy second", frames)
		}
	})
}

func TestTheStoresAreWatchedOnlyWhileSomebodyWatches(t *testing.T) {
	c := newScripted(1, 2)
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		if c.opened != 0 {
			t.Error("the stores are watched before anybody came")
		}
		v := attach(t, g, viewer, nil)
		c.tellLater(t, 1, sending(0, 2, 5))
		v.askFor(time.Second)
		if c.opened != 2 || c.streams[1].limit != 5_000 {
			t.Errorf("%d streams, %d events a second", c.opened, c.streams[1].limit)
		}
		v.s.Close()
		time.Sleep(4 * time.Second)
		again := attach(t, g, viewer, nil)
		again.ask()
		if c.opened != 2 {
			t.Error("the stores were left at once")
		}
		again.s.Close()
		time.Sleep(6 * time.Second)
		synctest.Wait()
		select {
		case <-c.streams[1].closed:
		default:
			t.Error("the stores are watched for nobody")
		}
		// Names are not used again.
		v = attach(t, g, viewer, nil)
		c.tellLater(t, 1, sending(0, 2, 6))
		v.askFor(time.Second)
		if want := []string{"S1 0ms sent 2"}; !slices.Equal(v.said, want) {
			t.Errorf("it was told %q, want %q", v.said, want)
		}
	})
}

// tellLater tells once the store is watched.
func (c *scripted) tellLater(t *testing.T, id uint64, seen *rpcpb.Seen) {
	t.Helper()
	go func() {
		time.Sleep(300 * time.Millisecond)
		c.tell(id, seen)
	}()
}

func TestAStoreThatIsLostStaysShownAndComesBack(t *testing.T) {
	c := newScripted(1, 2)
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, viewer, nil)
		v.askFor(time.Second)
		c.fail(2, errors.New("the connection was refused"))
		v.askFor(2 * time.Second)
		u := v.status.Live.Unreachable
		if len(u) != 1 || u[0].StoreId != 2 || u[0].Why != "the connection was refused" {
			t.Errorf("unreachable: %v", u)
		}
		if s := v.fold.store(2); s.Up || len(s.Peers) != 1 {
			t.Errorf("S2 is shown as %v", s)
		}
		newcomer := attach(t, g, viewer, nil)
		newcomer.askFor(2 * time.Second)
		if s := newcomer.fold.store(2); s.Up || len(s.Peers) != 1 {
			t.Errorf("a newcomer is shown S2 as %v", s)
		}
		c.mend(2)
		v.askFor(4 * time.Second)
		if !v.fold.store(2).Up || len(v.status.Live.Unreachable) != 0 {
			t.Errorf("it did not come back: %v", v.status)
		}
		if want := []string{"S2 0ms shown up=false: the connection was refused", "S2 0ms shown up=true: it is reachable again"}; !slices.Equal(v.said, want) {
			t.Errorf("it was told %q, want %q", v.said, want)
		}
	})
}

func TestAStoreThatSaysNothingIsNotReached(t *testing.T) {
	c := newScripted(1, 2)
	synctest.Test(t, func(t *testing.T) {
		g, err := Open(Config{Cluster: c})
		if err != nil {
			t.Fatal(err)
		}
		v := attach(t, g, viewer, nil)
		silent := map[uint64]string{}
		for end := time.Now().Add(6 * time.Second); time.Now().Before(end); {
			for _, u := range v.ask().Status.Live.Unreachable {
				silent[u.StoreId] = u.Why
			}
		}
		if why := "nothing was heard from it for 5s"; silent[1] != why || silent[2] != why {
			t.Errorf("unreachable: %v", silent)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestNobodyIsReachedAndTheViewerIsTold(t *testing.T) {
	c := newScripted(1, 2)
	c.down[1], c.down[2] = errors.New("no route to it"), errors.New("no route to it")
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, viewer, nil)
		if f := v.ask(); f.Hello == nil || f.Keyframe == nil || len(f.Keyframe.Stores) != 2 || len(f.Status.Live.Unreachable) != 2 {
			t.Errorf("the first frame is %v", f)
		}
	})
}

func TestAStoreThatJoinsIsAdded(t *testing.T) {
	c := newScripted(1)
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, viewer, nil)
		v.ask()
		c.mu.Lock()
		c.ids = append(c.ids, 2)
		c.mu.Unlock()
		v.askFor(6 * time.Second)
		if len(v.said) != 2 || !strings.Contains(v.said[0], "StoreAdded") || len(v.hello.Live.Stores) != 2 || len(v.fold.store(2).Peers) != 1 {
			t.Errorf("it was told %q", v.said)
		}
	})
}

func TestStrangersAreNotShown(t *testing.T) {
	c := newScripted(1, 2)
	c.lives[2] = 1
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, viewer, nil)
		v.ask()
		w := v.s.w
		for want, hello := range map[string]*rpcpb.WatchHello{
			"it does not say which store it is":     nil,
			"S3 answers in its place":               {StoreId: 3, ClusterId: 7},
			"it is of another cluster, 8, not of 7": {StoreId: 2, ClusterId: 8},
		} {
			if err := w.meet(2, hello); err == nil || err.Error() != want {
				t.Errorf("%v: %v", hello, err)
			}
		}
	})
}

func TestAttachingIsRefusedInOneSentence(t *testing.T) {
	c := newScripted(1)
	inTime(t, c, Limits{ViewersMax: 1}, func(t *testing.T, g *Gateway) {
		refused := func(want string, role sessionpb.ViewerRole, a *sessionpb.Attach) {
			t.Helper()
			if _, err := g.Open(role, a); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		}
		good := &sessionpb.Attach{ProtocolVersion: ProtocolVersion}
		refused("needs a role", 0, good)
		refused("speaks version 9", viewer, &sessionpb.Attach{ProtocolVersion: 9})
		refused("at most 1024", viewer, &sessionpb.Attach{ProtocolVersion: ProtocolVersion, Interest: &sessionpb.Interest{StoreIds: make([]uint64, 2_000)}})
		attach(t, g, viewer, nil)
		refused("1 viewers are attached already", viewer, good)
		g.Close()
		refused("ending", viewer, good)
	})
}

func TestAViewerThatDoesNotAskIsEnded(t *testing.T) {
	c := newScripted(1)
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		v := attach(t, g, viewer, nil)
		v.ask()
		time.Sleep(29 * time.Second)
		if v.ask(); v.closed != "" {
			t.Fatal(v.closed)
		}
		time.Sleep(32 * time.Second)
		select {
		case <-v.s.Ended():
		default:
			t.Error("it goes on")
		}
		if v.ask(); v.closed != "nothing was asked for 30s: attach again to go on" || g.Viewers() != 0 {
			t.Errorf("closed: %q, %d viewers", v.closed, g.Viewers())
		}
	})
}
