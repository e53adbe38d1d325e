package node

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

func TestALatencyIsInTheFirstBucketThatIsAboveIt(t *testing.T) {
	for micros := int64(0); micros < 5_000_000; micros = micros*21/20 + 1 {
		i := bucketOf(micros)
		below, above := math.Pow(2, float64(i-1)/4), math.Pow(2, float64(i)/4)
		if float64(micros) >= above || i > 0 && float64(micros) < below {
			t.Fatalf("%d µs is in bucket %d, from %.1f to below %.1f", micros, i, below, above)
		}
	}
	if got := bucketOf(math.MaxInt64); got != bucketsMax-1 {
		t.Errorf("the longest is in bucket %d", got)
	}
}

func TestAHistogramCountsAndSums(t *testing.T) {
	var h histogram
	for _, micros := range []int64{100, 100, 1_000, 100_000} {
		h.add(micros)
	}
	count, sum, below := h.cumulative()
	if count != 4 || math.Abs(sum-0.1012) > 1e-9 || below[128e-6] != 2 || below[1024e-6] != 3 || below[0.131072] != 4 {
		t.Errorf("%d latencies of %v s in all, below: %v", count, sum, below)
	}
	if counts := h.counts(); counts[bucketOf(100)] != 2 || len(counts) != bucketOf(100_000)+1 {
		t.Errorf("counts are %v", counts)
	}
}

func TestPrometheusIsToldTheFiguresOfEachStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		c := newCluster(t, 3, func(cfg *Config) { cfg.Registerer = registry })
		defer c.close()
		leader := c.leader()
		c.mustPut("a", "1")
		time.Sleep(time.Second)
		got := gather(t, registry)
		own := fmt.Sprintf(`{store=%d}`, leader)
		for name, least := range map[string]float64{
			"raftplay_commands_answered_total" + own: 1, "raftplay_regions_led" + own: 1, "raftplay_disk_syncs_total" + own: 1,
			"raftplay_command_seconds" + own: 1, "raftplay_disk_sync_seconds" + own: 1,
			fmt.Sprintf(`raftplay_raft_term{region=1,store=%d}`, leader):          1,
			fmt.Sprintf(`raftplay_raft_commit_index{region=1,store=%d}`, leader):  2,
			fmt.Sprintf(`raftplay_raft_applied_index{region=1,store=%d}`, leader): 2,
		} {
			if value, found := got[name]; !found || value < least {
				t.Errorf("%s is %v, found %v; want at least %v", name, value, found, least)
			}
		}
		c.kill(leader)
		if _, found := gather(t, registry)["raftplay_regions_led"+own]; found {
			t.Error("a store that is gone still has figures")
		}
		c.open(leader) // and registers again
	})
}

// gather is every metric's value, or count, by name and labels.
func gather(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			got[family.GetName()+"{"+strings.Join(labels, ",")+"}"] = value
		}
	}
	return got
}

func TestWhatComesWhileTheDiskWorksSharesTheNextBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, func(cfg *Config) { cfg.Disk.(*memoryDisk).syncTakes = 10 * time.Millisecond })
		defer c.close()
		leader := c.leader()
		n, before := c.nodes[leader], c.nodes[leader].Stats()
		answers := make(chan *raftcmdpb.RaftCommandResponse, 200)
		began := time.Now()
		for i := range 200 {
			n.Propose(put(fmt.Sprint("key", i), "1"), func(r *raftcmdpb.RaftCommandResponse) { answers <- r })
		}
		for range 200 {
			if e := (<-answers).GetHeader().GetError(); e != nil {
				t.Fatal(e)
			}
		}
		after := n.Stats()
		if syncs := after.Syncs - before.Syncs; syncs > 4 {
			t.Errorf("200 commands at once took %d syncs", syncs)
		}
		if took := time.Since(began); took > 40*time.Millisecond {
			t.Errorf("200 commands at once took %v, a sync takes 10 ms", took)
		}
	})
}

func TestADiskThatHangsDoesNotStopTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, func(cfg *Config) { cfg.Limits.CommandTimeout = time.Second })
		defer c.close()
		leader := c.leader()
		c.disks[leader].set(func(d *memoryDisk) { d.syncTakes = time.Minute })
		before := c.nodes[leader].Stats().Ticks
		if e := ask(c.nodes[leader], put("a", "1")).GetHeader().GetError(); e.GetTimeout() == nil {
			t.Errorf("with its disk hanging it answers %v", e)
		}
		if ticks := c.nodes[leader].Stats().Ticks - before; ticks < 9 {
			t.Errorf("%d ticks in a second", ticks)
		}
		time.Sleep(5 * time.Second)
		others := 0
		for id, n := range c.nodes {
			if id != leader {
				others += n.Stats().Leaders
			}
		}
		if others != 1 {
			t.Errorf("%d of the others lead", others)
		}
	})
}

func TestADiskThatIsSlowIsSaidOnceAndShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		registry := prometheus.NewPedanticRegistry()
		c := newCluster(t, 1, func(cfg *Config) {
			cfg.Logger, cfg.Registerer = slog.New(slog.NewTextHandler(&log, nil)), registry
		})
		defer c.close()
		n := c.nodes[c.leader()]
		lines := func(what string) int { return strings.Count(log.String(), what) }
		c.disks[1].set(func(d *memoryDisk) { d.syncTakes = 900 * time.Millisecond })
		if e := ask(n, put("a", "1")).GetHeader().GetError(); e != nil || n.Slow() != nil || n.Stats().SlowWrites != 0 {
			t.Errorf("a disk that takes less than a second is called slow: %v, %v", n.Slow(), e)
		}
		c.disks[1].set(func(d *memoryDisk) { d.syncTakes = 5 * time.Second })
		n.Propose(put("a", "2"), func(*raftcmdpb.RaftCommandResponse) {})
		time.Sleep(3500 * time.Millisecond)
		synctest.Wait()
		if err := n.Slow(); err == nil || err.Error() != "the disk has been writing for 3.5s" {
			t.Errorf("after 3.5 s: %v", err)
		}
		got := gather(t, registry)
		if got["raftplay_disk_slow_writes_total{store=1}"] != 1 || got["raftplay_disk_write_age_seconds{store=1}"] != 3.5 {
			t.Errorf("the figures are %v slow writes, %v s", got["raftplay_disk_slow_writes_total{store=1}"], got["raftplay_disk_write_age_seconds{store=1}"])
		}
		c.disks[1].set(func(d *memoryDisk) { d.syncTakes = 0 })
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if err := n.Slow(); err != nil {
			t.Errorf("once it is over: %v", err)
		}
		if a, b := lines("the disk is slow"), lines("the disk has written"); a != 1 || b != 1 || lines("level=WARN") != 2 {
			t.Errorf("%d lines say that it is slow, and %d that it is not any more:\n%s", a, b, log.String())
		}
	})
}
