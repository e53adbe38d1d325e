package mirror_test

import (
	"fmt"
	"testing"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"

	"raftplay/core/engine"
	"raftplay/core/mirror"
	"raftplay/core/store"
)

// alone is a store that is its region's only peer, and has put keys k000, k001, …
func alone(t *testing.T, keys int) *store.Store {
	t.Helper()
	e := engine.NewMemory()
	if err := e.Write(store.Bootstrap(1, 7, &metapb.Region{
		Id: 1, RegionEpoch: &metapb.RegionEpoch{ConfVer: 1, Version: 1}, Peers: []*metapb.Peer{{Id: 101, StoreId: 1, Role: metapb.PeerRole_PEER_ROLE_VOTER}},
	})); err != nil {
		t.Fatal(err)
	}
	cfg := store.DefaultConfig()
	cfg.StoreID, cfg.Engine, cfg.Now = 1, e, func() int64 { return 0 }
	s, err := store.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	settle := func() {
		for {
			rd, ok := s.Ready()
			if !ok {
				return
			}
			if err := e.Write(rd.Batch); err != nil {
				t.Fatal(err)
			}
			s.Advance()
		}
	}
	if err := s.Campaign(1); err != nil {
		t.Fatal(err)
	}
	settle()
	for i := range keys {
		s.Propose(&raftcmdpb.RaftCommandRequest{Header: &raftcmdpb.RequestHeader{}, Requests: []*raftcmdpb.Request{{
			Request: &raftcmdpb.Request_Put{Put: &raftcmdpb.PutRequest{Key: fmt.Appendf(nil, "k%03d", i), Value: make([]byte, 100)}},
		}}}, func(*raftcmdpb.RaftCommandResponse) {})
	}
	settle()
	return s
}

func TestAPeerIsShownWithinBounds(t *testing.T) {
	s := alone(t, 50)
	for _, c := range []struct {
		within              mirror.Bounds
		entries, keys, told int
	}{
		{mirror.Bounds{EntriesMax: 1_000, KeysMax: 1_000}, 51, 50, 50},
		{mirror.Bounds{EntriesMax: 10, KeysMax: 5}, 10, 5, 50},
		{mirror.Bounds{EntriesMax: 1_000, KeysMax: 5, KeysCountedMax: 20}, 51, 5, 20},
		{mirror.Bounds{EntriesMax: 1_000, KeysMax: 1_000, BytesMax: 1_200}, 7, 10, 50},
	} {
		var entries mirror.Entries
		p := mirror.PeerStateWithin(s, 1, &entries, c.within)
		if len(p.Entries) != c.entries || len(p.Keys) != c.keys || int(p.KeysTotal) != c.told {
			t.Errorf("within %+v: %d entries, %d keys of %d; want %d, %d of %d",
				c.within, len(p.Entries), len(p.Keys), p.KeysTotal, c.entries, c.keys, c.told)
		}
		if n := len(p.Entries); n > 0 && p.Entries[n-1].Index != p.LastIndex {
			t.Errorf("the newest entry shown is %d, the log ends with %d", p.Entries[n-1].Index, p.LastIndex)
		}
	}
}
