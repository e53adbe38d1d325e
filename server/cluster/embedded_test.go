package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/server/client"
)

// quick makes elections short, so that tests are.
var quick = Timing{BaseTick: 10 * time.Millisecond, HeartbeatTicks: 3, ElectionTicks: 15}

// three is a cluster of three stores with a client.
func three(t *testing.T, config EmbeddedConfig) (*Embedded, *client.Client) {
	t.Helper()
	config.Stores, config.Timing = 3, quick
	if config.DataDir == "" {
		config.DataDir = t.TempDir()
	}
	e, err := OpenEmbedded(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := client.Open(client.Config{Endpoints: e.Endpoints()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return e, c
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func mustPut(t *testing.T, c *client.Client, key, value string) {
	t.Helper()
	if err := c.Put(within(t), []byte(key), []byte(value)); err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

func mustHold(t *testing.T, c *client.Client, key, value string) {
	t.Helper()
	got, found, err := c.Get(within(t), []byte(key), raftcmdpb.ReadMode_READ_MODE_READ_INDEX)
	if err != nil || !found || string(got) != value {
		t.Fatalf("get %s: %q, %v, %v, want %q", key, got, found, err, value)
	}
}

// leaderOf waits for a leader of the first region and returns its store.
func leaderOf(t *testing.T, c *client.Client) uint64 {
	t.Helper()
	for ctx := within(t); ctx.Err() == nil; {
		if regions, err := c.Regions(ctx); err == nil && len(regions) > 0 && regions[0].Leader.GetStoreId() != 0 {
			return regions[0].Leader.GetStoreId()
		}
	}
	t.Fatal("nobody leads")
	return 0
}

func TestStoresThatAreToldToStopAtTheSameTimeAllEndSoon(t *testing.T) {
	e, c := three(t, EmbeddedConfig{})
	mustPut(t, c, "city", "Oslo")
	began := time.Now()
	var work sync.WaitGroup
	for id := uint64(1); id <= 3; id++ {
		work.Go(func() {
			if err := e.Store(id).Stop(within(t)); err != nil {
				t.Errorf("S%d: %v", id, err)
			}
		})
	}
	work.Wait()
	// A leader that waits for a successor waits for three seconds.
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the stores took %v to stop", took)
	}
}

// heard is what was logged.
type heard struct {
	mu    sync.Mutex
	lines []string
}

func (h *heard) Write(line []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, string(line))
	return len(line), nil
}

func (h *heard) count(words string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, line := range h.lines {
		if strings.Contains(line, words) {
			n++
		}
	}
	return n
}

func TestStoresThatEndTogetherDoNotWarnOfEachOther(t *testing.T) {
	var log heard
	e, c := three(t, EmbeddedConfig{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	mustPut(t, c, "city", "Oslo")
	e.Store(3).Kill()
	for ctx := within(t); log.count("is not connected") < 2; time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("two stores lost a third without a word: %q", log.lines)
		}
	}
	before := log.count("")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if log.count("") != before {
		t.Errorf("%q", log.lines[before:])
	}
}

func TestThreeStoresServeAndSurviveTheLeadersCrash(t *testing.T) {
	e, c := three(t, EmbeddedConfig{})
	mustPut(t, c, "city", "Oslo")
	leader := leaderOf(t, c)
	if err := e.Crash(leader); err != nil {
		t.Fatal(err)
	}
	mustHold(t, c, "city", "Oslo")
	mustPut(t, c, "city", "Kyoto")
	if err := e.Restart(leader); err != nil {
		t.Fatal(err)
	}
	if err := e.Restart(leader); err == nil {
		t.Error("a store that runs was started again")
	}
	mustHold(t, c, "city", "Kyoto")
}

func TestAClusterKeepsWhatItAcknowledged(t *testing.T) {
	dir := t.TempDir()
	for round := range 3 {
		e, err := OpenEmbedded(EmbeddedConfig{Stores: 3, DataDir: dir, Timing: quick})
		if err != nil {
			t.Fatal(err)
		}
		c, err := client.Open(client.Config{Endpoints: e.Endpoints()})
		if err != nil {
			t.Fatal(err)
		}
		for earlier := range round {
			mustHold(t, c, fmt.Sprint("key", earlier), fmt.Sprint("value", earlier))
		}
		mustPut(t, c, fmt.Sprint("key", round), fmt.Sprint("value", round))
		if round == 1 {
			for id := uint64(1); id <= 3; id++ {
				if err := e.Crash(id); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = c.Close()
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestACutLinkIsCutOneWayAndMended(t *testing.T) {
	e, c := three(t, EmbeddedConfig{})
	mustPut(t, c, "a", "1")
	leader := leaderOf(t, c)
	other := leader%3 + 1
	cut := []*sessionpb.Link{{FromStore: leader, ToStore: other, Cut: true}, {FromStore: other, ToStore: leader, Cut: true}}
	if err := e.Cut(cut); err != nil {
		t.Fatal(err)
	}
	mustPut(t, c, "a", "2")
	for _, l := range cut {
		l.Cut = false
	}
	if err := e.Cut(cut); err != nil {
		t.Fatal(err)
	}
	mustHold(t, c, "a", "2")
	if err := e.Cut([]*sessionpb.Link{{FromStore: 1, ToStore: 9, Cut: true}}); err == nil {
		t.Error("a link to a store that is not there was cut")
	}
}

func TestAStoreStoppedInOrderHandsOver(t *testing.T) {
	e, c := three(t, EmbeddedConfig{})
	mustPut(t, c, "a", "1")
	leader := leaderOf(t, c)
	began := time.Now()
	if err := e.Store(leader).Stop(within(t)); err != nil {
		t.Fatal(err)
	}
	mustPut(t, c, "a", "2")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v to go on without the leader", took)
	}
}
