package sim_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

func keyOf(i int) string { return fmt.Sprintf("key%d", i) }

// putAll writes the keys from 1 to n, in one rush.
func (c *cluster) putAll(n int, value string) {
	c.t.Helper()
	var requests []*raftcmdpb.RaftCommandRequest
	for i := 1; i <= n; i++ {
		requests = append(requests, &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{putRequest(keyOf(i), value+keyOf(i))}})
	}
	c.mustAll(requests...)
}

// expectAll reads them back, some in each command; an empty value means that they are gone.
func (c *cluster) expectAll(n int, value string) {
	c.t.Helper()
	const readsOfACommand = 30
	var commands []*raftcmdpb.RaftCommandRequest
	for i := range n {
		if i%readsOfACommand == 0 {
			commands = append(commands, &raftcmdpb.RaftCommandRequest{})
		}
		last := commands[len(commands)-1]
		last.Requests = append(last.Requests, getRequest(keyOf(i+1)))
	}
	i := 0
	for _, answer := range c.mustAll(commands...) {
		for _, response := range answer.GetResponses() {
			i++
			want := ""
			if value != "" {
				want = value + keyOf(i)
			}
			if got := response.GetGet(); string(got.GetValue()) != want || got.GetFound() != (want != "") {
				c.t.Fatalf("%s is %q, %v; want %q", keyOf(i), got.GetValue(), got.GetFound(), want)
			}
		}
	}
	if i != n {
		c.t.Fatalf("%d of %d reads have an answer", i, n)
	}
}

// refuses wants a command refused, in one sentence, and nothing changed by it.
func (c *cluster) refuses(request *raftcmdpb.Request, because string) {
	c.t.Helper()
	before := c.engines()
	_, err := c.w.Act(&sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
		Request: &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{request}}}}})
	if err == nil || !strings.Contains(err.Error(), because) {
		c.t.Fatalf("the refusal is %v, and should say that %s", err, because)
	}
	if c.engines() != before {
		c.t.Fatal("what was refused has changed an engine")
	}
}

func (c *cluster) checkPut(n int) {
	c.t.Helper()
	c.mustGet(keyOf(1), "")
	c.putAll(n, "first ")
	c.expectAll(n, "first ")
	c.putAll(n, "second ")
	c.expectAll(n, "second ")
	c.refuses(putRequest("", "value"), "the key is empty")
	c.refuses(putRequest(strings.Repeat("k", 4097), "value"), "the key has 4097 bytes")
	c.refuses(putRequest("key", strings.Repeat("v", 1<<20+1)), "the value has 1048577 bytes")
	want := map[string]string{}
	for i := 1; i <= n; i++ {
		want[keyOf(i)] = "second " + keyOf(i)
	}
	c.mustHold(c.stores(), want)
}

func (c *cluster) checkDelete(n int) {
	c.t.Helper()
	c.putAll(n, "")
	var requests []*raftcmdpb.RaftCommandRequest
	for i := 1; i <= n; i++ {
		requests = append(requests, &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{deleteRequest(keyOf(i))}})
	}
	for i, answer := range c.mustAll(requests...) {
		if !answer.GetResponses()[0].GetDelete().GetFound() {
			c.t.Fatalf("%s was not there to be deleted", keyOf(i+1))
		}
	}
	c.expectAll(n, "")
	if c.mustDelete(keyOf(1)).GetResponses()[0].GetDelete().GetFound() {
		c.t.Fatal("a deleted key was there to be deleted again")
	}
	c.refuses(deleteRequest(""), "the key is empty")
	c.mustHold(c.stores(), map[string]string{})
}

func (c *cluster) checkSeek() {
	c.t.Helper()
	c.mustSeek("a", "", "")
	pairs := map[string]string{"a": "1", "b": "2", "b\x00": "3", "b\xff": "4", "k10": "5", "k2": "6", "\xff": "7"}
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		c.mustPut(key, pairs[key])
	}
	for _, s := range []struct{ from, want string }{
		{"", "a"}, {"a", "a"}, {"a\x00", "b"}, {"b", "b"}, {"b\x00", "b\x00"}, {"b\x01", "b\xff"}, {"c", "k10"},
		{"k10", "k10"}, {"k11", "k2"}, {"k2\x00", "\xff"}, {"\xff", "\xff"}, {"\xff\x00", ""},
	} {
		c.mustSeek(s.from, s.want, pairs[s.want])
	}
	c.mustDelete("b\x00")
	c.mustSeek("b\x00", "b\xff", "4")
}

func TestTiKVPut(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) { c.checkPut(999) })
}

func TestTiKVDelete(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) { c.checkDelete(999) })
}

func TestTiKVSeek(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) { c.checkSeek() })
}

// The moment a write is answered its entry is durable on a quorum; soon after, its effect is on every engine.
func TestTiKVMultiBase(t *testing.T) {
	forSeeds(t, nil, func(c *cluster) {
		quorum := func(what string, answer *raftcmdpb.RaftCommandResponse) {
			t.Helper()
			durable := 0
			for _, s := range c.w.Keyframe().GetStores() {
				if s.GetPeers()[0].GetSyncedIndex() >= answer.GetHeader().GetIndex() {
					durable++
				}
			}
			if durable < 3 {
				c.t.Fatalf("%s is answered, and its entry is durable on %d of 5 stores", what, durable)
			}
		}
		quorum("a put", c.mustPut("a1", "v1"))
		c.mustHold(c.stores(), map[string]string{"a1": "v1"})
		quorum("a delete", c.mustDelete("a1"))
		c.mustHold(c.stores(), map[string]string{})
		c.mustGet("a1", "")
	})
}

// Thirty milliseconds on every link slow the cluster down; they cost it no election.
func TestTiKVLatency(t *testing.T) {
	slow := func(cfg *sessionpb.Config) { cfg.Network = &sessionpb.Network{LatencyMicros: 30_000} }
	forSeeds(t, slow, func(c *cluster) {
		c.checkPut(100)
		for i := range 20 {
			began := c.w.Now()
			c.mustPut(keyOf(i), "one by one")
			if took := c.w.Now() - began; took < 60_000 || took > 500_000 {
				c.t.Fatalf("a put over links of 30 ms took %d µs", took)
			}
		}
		c.pass(10 * second)
		if len(c.leaders) != 1 {
			c.t.Fatalf("leaders were S%v; latency alone dethrones nobody", c.leaders)
		}
	})
	forSeeds(t, slow, func(c *cluster) { c.checkDelete(100) })
	forSeeds(t, slow, func(c *cluster) { c.checkSeek() })
}

// Three messages in ten are lost, and clients ask again soon: everything arrives, and nothing is done twice.
func TestTiKVDrop(t *testing.T) {
	lossy := func(cfg *sessionpb.Config) {
		cfg.Network.LossPpm = 300_000
		cfg.ClientTimeoutMicros = 150_000
	}
	forSeeds(t, lossy, func(c *cluster) {
		c.checkPut(30)
		for i := range 30 {
			key := fmt.Sprintf("created%d", i)
			create := &raftcmdpb.RaftCommandRequest{
				Requests: []*raftcmdpb.Request{putRequest(key, "once")},
				Compares: []*raftcmdpb.Compare{{Key: []byte(key), Expect: &raftcmdpb.Compare_Absent{Absent: true}}},
			}
			if answer := c.mustAll(create)[0]; answer.GetCompareFailed() != nil {
				c.t.Fatalf("%s was created by an earlier attempt of the same request", key)
			}
		}
	})
	forSeeds(t, lossy, func(c *cluster) { c.checkDelete(30) })
}
