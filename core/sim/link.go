package sim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/mirror"
	"raftplay/core/store"
)

const (
	// latenessMax is by how many latencies a reordered message is late at most.
	latenessMax = 4
	// queueMicrosMax is how long a message waits at most until its link of bounded bandwidth begins to send it; a link with
	// a longer queue loses what comes.
	queueMicrosMax = 10_000_000
)

// link is one direction between two stores. Messages do not overtake each other, but for those that are late: reordered
// or delayed ones.
type link struct {
	latency, loss, slow, reorder, copies, hand stream
	// own are the settings in place of the network's, or nil.
	own          *sessionpb.Network
	cut, clogged bool
	// dueLast is when the last message arrives that holds up those behind it.
	dueLast int64
	// sendingUntil is when a link of bounded bandwidth has sent all that it was given.
	sendingUntil int64
}

func newLink(seed, from, to uint64) link {
	of := func(purpose string) stream { return newStream(seed, streamName(purpose, from, to)) }
	return link{
		latency: of("latency"), loss: of("loss"), slow: of("slow"), reorder: of("reorder"), copies: of("copy"),
		hand: of("hand"),
	}
}

func (l *link) settings(network *sessionpb.Network) *sessionpb.Network {
	if l.own != nil {
		return l.own
	}
	return network
}

// draw is what chance has for one message.
type draw struct {
	latency                 int64
	lost, reordered, copied bool
	// late is how much later than its turn a reordered message comes.
	late int64
	// The copy's own, if there is one.
	copyLatency int64
	copyLost    bool
}

// draw draws all of it for every message, whether it matters or not, each from a stream of its own.
func (l *link) draw(s *sessionpb.Network) (d draw) {
	d.latency = l.latency.between(s.LatencyMicros-s.JitterMicros, s.LatencyMicros+s.JitterMicros)
	d.lost = l.loss.ppm(s.LossPpm)
	if l.slow.ppm(s.SlowPpm) {
		d.latency += s.SlowMicros
	}
	d.reordered, d.late = l.reorder.ppm(s.ReorderPpm), l.reorder.between(1, latenessMax*s.LatencyMicros)
	d.copied = l.copies.ppm(s.DuplicatePpm)
	d.copyLatency = l.copies.between(s.LatencyMicros-s.JitterMicros, s.LatencyMicros+s.JitterMicros)
	d.copyLost = l.copies.ppm(s.LossPpm)
	return d
}

// transmit gives a message its turn behind what the link is still sending, and returns when the link has sent it. It is
// not taken when the queue is too long.
func (l *link) transmit(m *store.Message, now int64, bytesPerSecond uint64) (sent int64, taken bool) {
	if bytesPerSecond == 0 {
		return now, true
	}
	start := max(now, l.sendingUntil)
	if start-now > queueMicrosMax {
		return now, false
	}
	bytes := uint64(mirror.MessageBytes(m))
	l.sendingUntil = start + int64((bytes*1_000_000+bytesPerSecond-1)/bytesPerSecond)
	return l.sendingUntil, true
}

// relink makes the links what the configuration says, and lets flow what waited in a clogged one that is so no more.
func (w *World) relink() {
	n := &w.network
	for i := range n.links {
		l := &n.links[i]
		l.own, l.cut, l.clogged = nil, false, false
	}
	for _, of := range w.config.Links {
		l := n.link(of.FromStore, of.ToStore)
		l.own, l.cut, l.clogged = of.Network, of.Cut, of.Clogged
	}
	w.releaseHeld(sessionpb.HoldReason_HOLD_REASON_CLOGGED, func(f *flight) bool {
		return !n.link(f.message.FromStore, f.message.ToStore).clogged
	})
}

// eachLink visits the links between the stores there are.
func (w *World) eachLink(visit func(from, to uint64)) {
	for from := uint64(1); from <= uint64(w.Stores()); from++ {
		for to := uint64(1); to <= uint64(w.Stores()); to++ {
			if from != to {
				visit(from, to)
			}
		}
	}
}

func (w *World) setLinks(links []*sessionpb.Link) error {
	if err := validateLinks(links, w.Stores()); err != nil {
		return err
	}
	w.configure(func(next *sessionpb.Config) { next.Links = mergeLinks(next.Links, links) })
	return nil
}

// mergeLinks returns the links with some of them replaced, by their ends, without those that are like every other.
func mergeLinks(links, replaced []*sessionpb.Link) []*sessionpb.Link {
	merged := slices.DeleteFunc(slices.Clone(links), func(have *sessionpb.Link) bool {
		return slices.ContainsFunc(replaced, func(l *sessionpb.Link) bool { return compareLinks(l, have) == 0 })
	})
	for _, l := range replaced {
		if l.GetCut() || l.GetClogged() || l.GetNetwork() != nil {
			merged = append(merged, l)
		}
	}
	slices.SortFunc(merged, compareLinks)
	return merged
}

func compareLinks(a, b *sessionpb.Link) int {
	return cmp.Or(cmp.Compare(a.GetFromStore(), b.GetFromStore()), cmp.Compare(a.GetToStore(), b.GetToStore()))
}

// validateLinks says in one sentence what is wrong with links in a cluster of so many stores, or nil.
func validateLinks(links []*sessionpb.Link, stores int) error {
	for i, l := range links {
		if err := validateEnds(l.GetFromStore(), l.GetToStore(), stores); err != nil {
			return err
		}
		if slices.ContainsFunc(links[:i], func(other *sessionpb.Link) bool { return compareLinks(l, other) == 0 }) {
			return fmt.Errorf("the link from S%d to S%d is named twice", l.GetFromStore(), l.GetToStore())
		}
		if l.GetNetwork() == nil {
			continue
		}
		if err := validateNetwork(l.GetNetwork()); err != nil {
			return fmt.Errorf("the link from S%d to S%d: %w", l.GetFromStore(), l.GetToStore(), err)
		}
	}
	return nil
}

func validateEnds(from, to uint64, stores int) error {
	if err := validateStore(from, stores); err != nil {
		return err
	}
	if err := validateStore(to, stores); err != nil {
		return err
	}
	if from == to {
		return fmt.Errorf("there is no link from S%d to itself", from)
	}
	return nil
}

// validateStore says in one sentence that there is no such store in a cluster of so many, or nil.
func validateStore(id uint64, stores int) error {
	switch {
	case id < 1 || id > storesMax:
		return fmt.Errorf("there is no S%d: a cluster has S1 to S%d at most", id, storesMax)
	case id > uint64(stores):
		return fmt.Errorf("there is no S%d: the cluster has %d stores", id, stores)
	}
	return nil
}

func validateStores(ids []uint64, stores int) error {
	for _, id := range ids {
		if err := validateStore(id, stores); err != nil {
			return err
		}
	}
	return nil
}

// validateNetwork says in one sentence what is wrong with the settings of a link, or of all, or nil.
func validateNetwork(n *sessionpb.Network) error {
	if n == nil {
		return errors.New("the network has no settings")
	}
	if err := within("the latency", n.GetLatencyMicros(), latencyMicrosMin, latencyMicrosMax); err != nil {
		return err
	}
	if err := within("the jitter", n.GetJitterMicros(), 0, n.GetLatencyMicros()); err != nil {
		return fmt.Errorf("%w: it may not be more than the latency", err)
	}
	for _, share := range []struct {
		what string
		ppm  uint32
	}{
		{"the loss is", n.GetLossPpm()},
		{"slow messages are", n.GetSlowPpm()},
		{"duplicated messages are", n.GetDuplicatePpm()},
		{"reordered messages are", n.GetReorderPpm()},
	} {
		if share.ppm > lossPPMMax {
			return fmt.Errorf("%s at most %d messages in a million, not %d", share.what, lossPPMMax, share.ppm)
		}
	}
	if err := within("what a slow message takes longer", n.GetSlowMicros(), 0, slowMicrosMax); err != nil {
		return err
	}
	if b := n.GetBytesPerSecond(); b > 0 && (b < bytesPerSecondMin || b > bytesPerSecondMax) {
		return fmt.Errorf("a link carries %d to %d bytes a second, or 0 for any number, not %d",
			bytesPerSecondMin, uint64(bytesPerSecondMax), b)
	}
	return nil
}
