package node

import (
	"slices"

	"go.etcd.io/raft/v3"
)

// follow notices, without an observer, which regions the store leads and which peers it has. A turn looks at the regions
// it touched; ticks look at the others, in parts.
type follow struct {
	l *loop
	// led are the regions that the store leads, with their terms.
	led map[uint64]uint64
	// held are the regions that it had peers of at the last look, ascending.
	held []uint64

	touched []uint64
	all     bool
	next    int // of the regions, for the next tick
}

// lookedAtPerTick is how many regions a tick looks at.
const lookedAtPerTick = 1_000

func (f *follow) init(l *loop) {
	f.l, f.led = l, map[uint64]uint64{}
	f.held = slices.Clone(l.store.RegionIDs())
}

// touch notes that something may have changed in a region.
func (f *follow) touch(regionID uint64) {
	if regionID == 0 || f.all || len(f.touched) > 0 && f.touched[len(f.touched)-1] == regionID {
		return
	}
	if slices.Contains(f.touched, regionID) {
		return
	}
	if len(f.touched) == touchedMax {
		f.all = true
		return
	}
	f.touched = append(f.touched, regionID)
}

// touchedMax is how many regions a turn notes one by one.
const touchedMax = 64

// look follows a turn.
func (f *follow) look() {
	f.lookAtPeers()
	regions := f.touched
	if f.all {
		regions = f.l.store.RegionIDs()
	}
	for _, id := range regions {
		f.lookAtRole(id)
		f.l.sight.reportProgress(id)
	}
	f.touched, f.all = f.touched[:0], false
}

// tick has the turn look at the regions that nothing touched.
func (f *follow) tick() {
	ids := f.l.store.RegionIDs()
	if len(ids) <= lookedAtPerTick {
		f.all = true
		return
	}
	for range lookedAtPerTick {
		f.next = (f.next + 1) % len(ids)
		f.lookAtRole(ids[f.next])
		f.l.sight.reportProgress(ids[f.next])
	}
}

func (f *follow) lookAtRole(id uint64) {
	role, term, ok := f.l.store.Role(id)
	was, led := f.led[id]
	leads := ok && role == raft.StateLeader
	if leads == led && (!leads || term == was) {
		return
	}
	f.l.described = nil
	stats := &f.l.n.stats
	if leads {
		f.led[id] = term
		stats.leaderChanges.Add(1)
		f.logLeader("the store leads a region", id, term)
	} else {
		delete(f.led, id)
		f.logLeader("the store does not lead a region any more", id, term)
	}
	stats.leaders.Store(int64(len(f.led)))
}

// loudRegions is up to how many regions each change of leaders is worth a line.
const loudRegions = 16

func (f *follow) logLeader(what string, id, term uint64) {
	if log := f.l.n.log; len(f.held) <= loudRegions {
		log.Info(what, "region", id, "term", term)
	} else {
		log.Debug(what, "region", id, "term", term)
	}
}

// lookAtPeers notices peers that came and went.
func (f *follow) lookAtPeers() {
	ids := f.l.store.RegionIDs()
	f.l.n.stats.regions.Store(int64(len(ids)))
	if len(ids) == len(f.held) && (len(ids) == 0 || ids[0] == f.held[0] && ids[len(ids)-1] == f.held[len(ids)-1]) {
		return
	}
	f.l.described = nil
	for _, id := range ids {
		if _, had := slices.BinarySearch(f.held, id); !had {
			f.l.n.log.Info("a peer was created", "region", id)
		}
	}
	for _, id := range f.held {
		if _, has := slices.BinarySearch(ids, id); !has {
			f.l.n.log.Info("a peer was destroyed", "region", id)
			f.lookAtRole(id)
		}
	}
	f.held = append(f.held[:0], ids...)
}
