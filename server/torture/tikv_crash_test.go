//go:build unix

package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// reelectionMax is two election timeouts of up to 30 ticks, and as much again for a machine that others use too.
const reelectionMax = 5 * time.Second

func TestTiKVLeaderCrashLive(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 5)
	c := open(t, g.endpoints())
	mustPut(t, c, "before", "1")
	old := leaderOf(t, c)
	must(t, g.kill(old))
	began := time.Now()
	mustPut(t, c, "after", "1")
	if took := time.Since(began); took > reelectionMax {
		t.Errorf("it took %v to go on without the leader", took)
	}
	if leader := leaderOf(t, c); leader == old {
		t.Errorf("S%d leads, and is down", old)
	}
	for i := range 20 {
		mustPut(t, c, fmt.Sprint("after", i), "2")
	}
	mustGet(t, c, "before", "1")
	must(t, g.start(old))
	holds(t, c, old, "after19", "2")
	mustPut(t, c, "later", "3")
	holds(t, c, old, "later", "3")
}

func TestTiKVClusterRestartLive(t *testing.T) {
	t.Parallel()
	g := startGroup(t, 3)
	c := open(t, g.endpoints())
	eachKey(t, 100, func(ctx context.Context, key string) error { return c.Put(ctx, []byte(key), []byte("kept "+key)) })
	_, err := c.Delete(within(t), []byte("key100"))
	must(t, err)
	ends := []func(uint64) error{g.kill, g.stop}
	if testing.Short() { // as above
		ends = ends[:1]
	}
	for round, end := range ends {
		must(t, g.each(g.peers.IDs(), end))
		g.startAll()
		eachKey(t, 99, func(ctx context.Context, key string) error {
			got, _, err := c.Get(ctx, []byte(key), readIndex)
			if err == nil && string(got) != "kept "+key {
				err = fmt.Errorf("%s is %q", key, got)
			}
			return err
		})
		mustGet(t, c, "key100", "")
		mustPut(t, c, "again", fmt.Sprint(round))
		mustGet(t, c, "again", fmt.Sprint(round))
	}
}

func TestTiKVLostMajorityLive(t *testing.T) {
	t.Parallel()
	for _, stores := range []int{4, 5} {
		t.Run(fmt.Sprintf("stores=%d", stores), func(t *testing.T) {
			t.Parallel()
			g := startGroup(t, stores)
			c := open(t, g.endpoints())
			mustPut(t, c, "before", "1")
			leader := leaderOf(t, c)
			var down, up []uint64
			for id := uint64(1); id <= uint64(stores); id++ {
				holds(t, c, id, "before", "1")
				if id != leader && len(down) < (stores+1)/2 {
					down = append(down, id)
				} else {
					up = append(up, id)
				}
			}
			must(t, g.each(down, g.kill))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := c.Put(ctx, []byte("during"), []byte("1")); err == nil {
				t.Error("a write was acknowledged without a majority")
			}
			for _, id := range up {
				eventually(t, fmt.Sprintf("S%d knows of no leader", id), func() bool {
					answer, err := c.DoAt(within(t), id, put("during", "1"))
					e := answer.GetHeader().GetError().GetNotLeader()
					return err == nil && e != nil && e.GetLeader() == nil
				})
				lacks(t, c, id, "during")
			}
			must(t, g.start(down[0]))
			mustPut(t, c, "after", "1")
			mustGet(t, c, "after", "1")
			mustGet(t, c, "before", "1")
			must(t, g.alive())
		})
	}
}

func TestTiKVRandomRestartLive(t *testing.T) {
	t.Parallel()
	replays(t)
	rounds := 6
	if testing.Short() {
		rounds = 3
	}
	g := startGroup(t, 3)
	c := open(t, g.endpoints())
	draw := rand.New(rand.NewPCG(*seedFlag, 0))
	for round := range rounds {
		id := 1 + draw.Uint64N(3)
		during := make(chan error, 1)
		go func() { during <- c.Put(within(t), []byte("during"), []byte("x")) }()
		time.Sleep(time.Duration(draw.Int64N(int64(20 * time.Millisecond))))
		must(t, g.kill(id))
		must(t, <-during)
		for i := range 5 {
			mustPut(t, c, fmt.Sprint("key", i), fmt.Sprint(round))
		}
		must(t, g.start(id))
		holds(t, c, id, "key4", fmt.Sprint(round))
		holds(t, c, id, "during", "x")
	}
}
