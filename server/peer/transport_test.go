package peer

import (
	"strings"
	"testing"
	"time"

	"raftplay/server/leak"
)

func TestSendSaysWhyAMessageDidNotLeave(t *testing.T) {
	limits := quick()
	limits.MessageBytesMax = 1_000
	two := newStation(t, 2, setup{})
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address}, limits: limits})
	one.awaitConnected(2)
	one.transport.Cut(2, true)
	for _, c := range []struct {
		to    uint64
		bytes int
		want  string
	}{
		{3, 0, "nobody knows where S3 serves"},
		{2, 2_000, "the message has 2033 bytes, and at most 1000 travel"},
		{2, 0, "the link to S2 is cut"},
	} {
		if err := one.transport.Send(c.to, message(1, c.to, 1, c.bytes)); err == nil || err.Error() != c.want {
			t.Errorf("to S%d: %v, not %s", c.to, err, c.want)
		}
	}
	one.transport.Close()
	one.transport.Close()
	if err := one.transport.Send(2, message(1, 2, 1, 0)); err == nil || err.Error() != "the transport is closed" {
		t.Errorf("after Close: %v", err)
	}
}

func TestNothingLeavesOnACutLink(t *testing.T) {
	two := newStation(t, 2, setup{})
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address}, limits: quick()})
	one.awaitConnected(2)
	open := two.inbox.shut(t, false)
	for id := uint64(1); one.transport.Send(2, message(1, 2, id, 256<<10)) == nil; id++ {
	}
	one.transport.Cut(2, true)
	if line := one.line(2); !line.Cut || line.Connected || line.Waiting != 0 {
		t.Errorf("the line stands at %+v", line)
	}
	until(t, "the connection is closed", func() bool { return two.server.Stats().Streams <= 1 }) // one waits in the inbox
	open()
	until(t, "nobody speaks", func() bool { return two.server.Stats().Streams == 0 })
	if err := one.transport.Send(2, message(1, 2, 100_000, 0)); err == nil || err.Error() != "the link to S2 is cut" {
		t.Errorf("on a cut link: %v", err)
	}
	one.transport.Cut(2, false)
	one.awaitConnected(2)
	must(t, one.transport.Send(2, message(1, 2, 100_001, 0)))
	until(t, "the message came", func() bool { return two.inbox.has(1, 100_001) })
	if two.inbox.has(1, 100_000) {
		t.Error("a message came that was refused")
	}
}

func TestTheOtherDirectionOfACutLinkGoesOn(t *testing.T) {
	two := newStation(t, 2, setup{})
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address}, limits: quick()})
	two.awaitConnected(1) // it learned of S1
	one.transport.Cut(2, true)
	must(t, two.transport.Send(1, message(2, 1, 1, 0)))
	until(t, "the message came", func() bool { return one.inbox.has(2, 1) })
}

func TestALinkMayBeCutBeforeItsStoreIsKnown(t *testing.T) {
	one, two := newStation(t, 1, setup{}), newStation(t, 2, setup{})
	one.transport.Cut(2, true)
	one.transport.Learn(2, two.address)
	if err := one.transport.Send(2, message(1, 2, 1, 0)); err == nil || err.Error() != "the link to S2 is cut" {
		t.Errorf("a link that was cut before: %v", err)
	}
	one.transport.Cut(2, false)
	one.awaitConnected(2)
}

func TestAStoreThatJoinsIntroducesItself(t *testing.T) {
	one := newStation(t, 1, setup{limits: quick()})
	three := newStation(t, 3, setup{known: map[uint64]string{1: one.address}, limits: quick()})
	one.awaitConnected(3)
	must(t, one.transport.Send(3, message(1, 3, 1, 0)))
	until(t, "the message came", func() bool { return three.inbox.has(1, 1) })
}

func TestAStoreThatMovesIsFound(t *testing.T) {
	two := newStation(t, 2, setup{})
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address}, limits: quick()})
	one.awaitConnected(2)
	moved := newStation(t, 2, setup{incarnation: 2, known: map[uint64]string{1: one.address}})
	until(t, "the line moved", func() bool {
		line := one.line(2)
		return line.Connected && line.Address == moved.address
	})
}

func TestAWrongAddressDoesNotHideAStore(t *testing.T) {
	two := newStation(t, 2, setup{})
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address}, limits: quick()})
	one.awaitConnected(2)
	gone := newStation(t, 9, setup{})
	gone.stop()
	one.transport.Learn(2, gone.address)
	until(t, "the line is back", func() bool {
		line := one.line(2)
		return line.Connected && line.Connects == 2 && line.Address == two.address
	})
	for _, address := range []string{"", "nonsense", "0.0.0.0:1", "[::]:1", ":1", "host:0", strings.Repeat("a", 400) + ":1"} {
		one.transport.Learn(2, address)
		one.transport.Learn(4, address)
	}
	one.transport.Learn(1, two.address)
	if all := one.transport.Status(); len(all) != 1 || !all[0].Connected || all[0].Connects != 2 {
		t.Errorf("the lines stand at %+v", all)
	}
}

func TestAStoreThatIsHeardIsNotWaitedFor(t *testing.T) {
	two := newStation(t, 2, setup{})
	limits := Limits{BackoffMin: time.Hour, BackoffMax: time.Hour}
	address := two.address
	two.stop()
	one := newStation(t, 1, setup{known: map[uint64]string{2: address}, limits: limits})
	until(t, "it tried in vain", func() bool { return one.line(2).LastError != "" })
	newStation(t, 2, setup{incarnation: 2, listen: address, known: map[uint64]string{1: one.address}})
	one.awaitConnected(2)
}

func TestATransportKnowsSoManyStores(t *testing.T) {
	two := newStation(t, 2, setup{})
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address}, limits: Limits{StoresMax: 1}})
	one.transport.Learn(3, two.address)
	if all := one.transport.Status(); len(all) != 1 {
		t.Errorf("the lines are %+v", all)
	}
}

func TestABadConfigurationIsRefused(t *testing.T) {
	good := func() Config { return Config{ClusterID: 7, StoreID: 1, Incarnation: 1} }
	for want, spoil := range map[string]func(*Config){
		"a transport needs the ids of its cluster and its store": func(c *Config) { c.ClusterID = 0 },
		"a transport needs its store's incarnation, from 1":      func(c *Config) { c.Incarnation = 0 },
		"store 1 is among the stores it is to reach":             func(c *Config) { c.Addresses = map[uint64]string{1: "a:1"} },
		"store id must not be 0":                                 func(c *Config) { c.Addresses = map[uint64]string{0: "a:1"} },
		`store 2 cannot be reached: "a" is no host:port`:         func(c *Config) { c.Addresses = map[uint64]string{2: "a"} },
		"a transport reaches at most 1 stores, not 2": func(c *Config) {
			c.Limits.StoresMax, c.Addresses = 1, map[uint64]string{2: "a:1", 3: "a:2"}
		},
		"limit ChunksMax must be at least 1, not -1":              func(c *Config) { c.Limits.ChunksMax = -1 },
		"limit BatchMessagesMax must be at most 4096, not 5000":   func(c *Config) { c.Limits.BatchMessagesMax = 5_000 },
		"limit BackoffMin (1m0s) must not exceed BackoffMax (3s)": func(c *Config) { c.Limits.BackoffMin = time.Minute },
		"the address of store 1 is longer than 300 bytes":         func(c *Config) { c.Address = strings.Repeat("a", 301) },
		"store 2 cannot be reached: its address is longer than 300 bytes": func(c *Config) {
			c.Addresses = map[uint64]string{2: strings.Repeat("a", 301)}
		},
	} {
		c := good()
		spoil(&c)
		transport, err := Open(c)
		if err == nil {
			transport.Close()
		}
		if err == nil || err.Error() != want {
			t.Errorf("%v, not %s", err, want)
		}
	}
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	two := newStation(t, 2, setup{})
	gone := newStation(t, 3, setup{})
	gone.stop()
	gone.transport.Close()
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address, 3: gone.address}, limits: quick()})
	one.awaitConnected(2)
	two.inbox.shut(t, false)()
	for id := range uint64(10) {
		must(t, one.transport.Send(2, message(1, 2, id+1, 0)))
		must(t, one.transport.Send(2, chunk(1, 2, id+1, 0)))
	}
	two.awaitConnected(1)
	one.transport.Close()
	two.transport.Close()
	one.stop()
	two.stop()
	if left := leak.Left(); left != "" {
		t.Errorf("goroutines are left over:\n%s", left)
	}
}
