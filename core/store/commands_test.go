package store

import (
	"testing"

	"go.etcd.io/raft/v3/raftpb"
)

func TestCommandsAreKnownAgainByTheirBytesAlone(t *testing.T) {
	entry := func(key string, index uint64) *raftpb.Entry {
		return &raftpb.Entry{Index: &index, Data: encode(command(put(key, "v")))}
	}
	key := func(c *Commands, e *raftpb.Entry) string {
		t.Helper()
		request, err := c.decode(e)
		must(t, err)
		return string(request.GetRequests()[0].GetPut().GetKey())
	}
	var c Commands
	a, b := entry("a", 1), entry("b", 1)
	for _, c := range []*Commands{&c, nil} {
		for range 2 {
			// One index, two entries, as an overwritten log has it; and one that shares the slot.
			wantEqual(t, "first", key(c, a), "a")
			wantEqual(t, "second", key(c, b), "b")
			wantEqual(t, "far", key(c, entry("c", 65)), "c")
		}
	}
	one, err := c.decode(a)
	must(t, err)
	two, err := c.decode(a)
	must(t, err)
	wantEqual(t, "decoded once", one == two, true)
	long := entry(string(make([]byte, decodedBytesMax)), 1)
	wantEqual(t, "long", len(key(&c, long)), decodedBytesMax)
	if _, err := c.decode(&raftpb.Entry{Index: new(uint64(1)), Data: []byte{0xff}}); err == nil {
		t.Error("bytes that are no command were decoded")
	}
}
