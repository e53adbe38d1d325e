//go:build unix

package torture

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"

	"raftplay/server/client"
)

// startLinked runs three stores with an exchange between them. Clients reach the stores themselves.
func startLinked(t testing.TB) (*group, *exchange) {
	t.Helper()
	g := newGroup(t, 3)
	inside, outside := g.peers, map[uint64]string{}
	for id := range inside {
		outside[id] = fmt.Sprintf("10.255.255.%d:7000", id)
	}
	g.peers = outside
	x := newExchange(t, outside, inside)
	g.args = func(id uint64) []string { return []string{"--listen", inside[id]} }
	g.env = x.env
	g.startAll()
	return g, x
}

// reached are where clients reach the stores.
func (x *exchange) reached() (endpoints []string) {
	for id := uint64(1); id <= uint64(len(x.listen)); id++ {
		endpoints = append(endpoints, x.listen[id])
	}
	return endpoints
}

// leaderOf waits for a leader of the region that holds all keys, and returns its store.
func leaderOf(t testing.TB, c *client.Client) (store uint64) {
	t.Helper()
	eventually(t, "somebody leads", func() bool {
		// What the others say may be old; the leader itself answers this.
		for id := range storesOf(t, c) {
			answer, err := c.DoAt(within(t), id, get("a", raftcmdpb.ReadMode_READ_MODE_READ_INDEX))
			if err == nil && answer.GetHeader().GetError() == nil {
				store = id
				return true
			}
		}
		return false
	})
	return store
}

func storesOf(t testing.TB, c *client.Client) map[uint64]string {
	t.Helper()
	all := map[uint64]string{}
	stores, err := c.Stores(within(t))
	if err != nil {
		return all
	}
	for _, s := range stores {
		if s.Err == nil {
			all[s.ID] = s.Address
		}
	}
	return all
}

// holds waits until a store itself has applied a value.
func holds(t testing.TB, c *client.Client, store uint64, key, value string) {
	t.Helper()
	eventually(t, fmt.Sprintf("S%d holds %s = %s", store, key, value), func() bool {
		answer, err := c.DoAt(within(t), store, get(key, raftcmdpb.ReadMode_READ_MODE_STALE))
		return err == nil && answer.GetHeader().GetError() == nil && string(answer.GetResponses()[0].GetGet().GetValue()) == value
	})
}

// A leader that is cut off in whatever way serves nobody, not even with what it once knew; the others go on without it.
func TestTheMajorityServesAndTheMinorityDoesNot(t *testing.T) {
	t.Parallel()
	kinds := []treatmentKind{cut, held, swallowed}
	if testing.Short() {
		kinds = kinds[1:2]
	}
	g, x := startLinked(t)
	c := open(t, x.reached())
	for _, kind := range kinds {
		value := fmt.Sprintf("after links were %v", kind)
		must(t, c.Put(within(t), []byte("a"), []byte("before")))
		old := leaderOf(t, c)
		x.around(old, treatment{kind: kind})
		must(t, c.Put(within(t), []byte("a"), []byte(value)))
		for _, mode := range []raftcmdpb.ReadMode{raftcmdpb.ReadMode_READ_MODE_LEASE, raftcmdpb.ReadMode_READ_MODE_READ_INDEX, raftcmdpb.ReadMode_READ_MODE_LOG} {
			answer, err := c.DoAt(within(t), old, get("a", mode))
			if err == nil && answer.GetHeader().GetError() == nil {
				t.Errorf("S%d is alone (%v) and answers a %v read: %v", old, kind, mode, answer)
			}
		}
		answer, err := c.DoAt(within(t), old, put("a", "of nobody"))
		if err == nil && answer.GetHeader().GetError() == nil {
			t.Errorf("S%d is alone (%v) and takes a write: %v", old, kind, answer)
		}
		x.heal()
		holds(t, c, old, "a", value)
	}
	must(t, g.alive())
}

// treatSome draws what happens to the network: a store that is cut off, a link, one way of it, all slow.
func (x *exchange) treatSome(draw *rand.Rand) string {
	kind := []treatmentKind{cut, held, swallowed}[draw.IntN(3)]
	slow := treatment{delay: drawMillis(draw, 40*time.Millisecond)}
	at := draw.Perm(len(x.listen))
	a, b, c := uint64(at[0]+1), uint64(at[1]+1), uint64(at[2]+1)
	switch draw.IntN(5) {
	case 0:
		x.around(a, treatment{kind: kind})
		return fmt.Sprintf("S%d %v", a, kind)
	case 1:
		x.between(a, b, treatment{kind: kind})
		return fmt.Sprintf("S%d and S%d %v", a, b, kind)
	case 2:
		x.treat(link{a, b}, treatment{kind: kind})
		return fmt.Sprintf("S%d to S%d %v", a, b, kind)
	case 3:
		x.between(a, b, treatment{kind: kind})
		x.between(b, c, slow)
		x.between(a, c, slow)
		return fmt.Sprintf("S%d and S%d %v, the rest %v late", a, b, kind, slow.delay)
	default:
		x.around(a, slow)
		x.between(b, c, slow)
		return fmt.Sprintf("all %v late", slow.delay)
	}
}

func TestABrokenNetworkBreaksNoPromise(t *testing.T) {
	t.Parallel()
	replays(t)
	cycles := 8
	if testing.Short() {
		cycles = 3
	}
	g, x := startLinked(t)
	l := startLoad(t, x.reached(), *seedFlag)
	draw := rand.New(rand.NewPCG(*seedFlag, 0))
	for n := range cycles {
		l.epoch.Store(int64(n))
		time.Sleep(drawMillis(draw, 200*time.Millisecond))
		what := x.treatSome(draw)
		time.Sleep(drawMillis(draw, 1200*time.Millisecond))
		if draw.IntN(2) == 0 { // from one fault into the next
			what += ", then " + x.treatSome(draw)
			time.Sleep(drawMillis(draw, 600*time.Millisecond))
		}
		x.heal()
		if err := l.serves(t); err != nil {
			t.Fatalf("cycle %d, %s: %v", n+1, what, err)
		}
		must(t, g.alive())
	}
	l.stop()
	must(t, l.readBack(t))
	l.h.mustBeLinearizable(t, g.dir)
}

// One link of three is broken: both ends still reach the third store, and the cluster serves all the time.
func TestOneBrokenLinkOfThreeIsSurvived(t *testing.T) {
	t.Parallel()
	g, x := startLinked(t)
	c := open(t, x.reached())
	must(t, c.Put(within(t), []byte("a"), []byte("0")))
	leader := leaderOf(t, c)
	x.between(leader, leader%3+1, treatment{kind: held})
	for n := range 20 {
		must(t, c.Put(within(t), []byte("a"), fmt.Append(nil, n)))
	}
	x.heal()
	holds(t, c, leader%3+1, "a", "19")
	must(t, g.alive())
}
