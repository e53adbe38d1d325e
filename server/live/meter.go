package live

import (
	"math"

	sessionpb "raftplay/core/pb/sessionpb/v1"
	rpcpb "raftplay/server/rpc/rpcpb/v1"
)

const (
	// metricsMicros is how long a point is about, at least; a store that is late has half as long again.
	metricsMicros    = 1_000_000
	metricsMicrosMax = 1_500_000
	// metricsMax is how many points a newcomer is given.
	metricsMax = 60
	// bucketsMax bounds what is looked at of a store's buckets.
	bucketsMax = 256
)

// meter makes a point a second of what the stores counted.
type meter struct {
	stores map[uint64]*counted
	since  int64
	points []*sessionpb.MetricsPoint
	// made is how many there were; the newest are in points.
	made uint64
}

// counted is what a store counted at the last point, and now.
type counted struct {
	before, now *rpcpb.StoreMetrics
	// perSecond is its events in about the last second that it counted: up to rated, when it had counted ratedEvents.
	perSecond, ratedEvents uint64
	rated                  int64
}

// count takes a number of events. It goes by the store's own seconds: its numbers may come just before a point or just after.
func (c *counted) count(events uint64, now int64) {
	if span := now - c.rated; span >= metricsMicros/2 {
		c.perSecond = rise(c.ratedEvents, events) * secondMicros / uint64(span)
		c.rated, c.ratedEvents = now, events
	}
}

func newMeter(now int64) meter { return meter{stores: map[uint64]*counted{}, since: now} }

// hear takes what a store counted. The first of a stream only begins: what it counted earlier is nobody's second.
func (m *meter) hear(storeID uint64, metrics *rpcpb.StoreMetrics, now int64) {
	if c := m.stores[storeID]; c != nil {
		c.now = metrics
		c.count(metrics.GetEvents(), now)
	} else {
		m.stores[storeID] = &counted{before: metrics, rated: now, ratedEvents: metrics.GetEvents()}
	}
}

// forget ends a store's stream.
func (m *meter) forget(storeID uint64) { delete(m.stores, storeID) }

// tick makes a point when it is time to, and tells whether it did.
func (m *meter) tick(now int64) bool {
	span, complete := now-m.since, len(m.stores) > 0
	for _, c := range m.stores {
		complete = complete && c.now != nil
	}
	if span < metricsMicros || !complete && span < metricsMicrosMax {
		return false
	}
	m.since = now
	p := &sessionpb.MetricsPoint{TimeMicros: now, SpanMicros: span}
	var latency, sync [bucketsMax]uint64
	for _, c := range m.stores {
		if c.now == nil {
			continue
		}
		a, b := c.before, c.now
		p.Answered += rise(a.GetAnswered(), b.GetAnswered())
		p.Applied = max(p.Applied, rise(a.GetApplied(), b.GetApplied()))
		p.LeaderChanges += rise(a.GetLeaderChanges(), b.GetLeaderChanges()) // Each store counts when it comes to lead.
		p.Events += rise(a.GetEvents(), b.GetEvents())
		p.EventsLeftOut += rise(a.GetEventsLeftOut(), b.GetEventsLeftOut())
		addBuckets(&latency, a.GetLatencyBuckets(), b.GetLatencyBuckets())
		addBuckets(&sync, a.GetSyncBuckets(), b.GetSyncBuckets())
		c.before, c.now = b, nil
	}
	p.LatencyP50Micros, p.LatencyP99Micros = percentile(&latency, 50), percentile(&latency, 99)
	p.SyncP50Micros, p.SyncP99Micros = percentile(&sync, 50), percentile(&sync, 99)
	m.made++
	if m.points = append(m.points, p); len(m.points) > metricsMax {
		m.points = append(m.points[:0:0], m.points[1:]...)
	}
	return true
}

// rate is how many events a store had in the last second, told or not; 0 when that is not known.
func (m *meter) rate(storeID uint64) uint64 {
	if c := m.stores[storeID]; c != nil {
		return c.perSecond
	}
	return 0
}

// total is how many all of them had.
func (m *meter) total() (perSecond uint64) {
	for _, c := range m.stores {
		perSecond += c.perSecond
	}
	return perSecond
}

// after is the points from number from on, as far as they are kept, and the number of the next.
func (m *meter) after(from uint64) ([]*sessionpb.MetricsPoint, uint64) {
	kept := m.made - uint64(len(m.points))
	return m.points[min(max(from, kept), m.made)-kept:], m.made
}

// rise is how much a counter grew; one that was set back began anew.
func rise(before, now uint64) uint64 {
	if now < before {
		return now
	}
	return now - before
}

func addBuckets(sum *[bucketsMax]uint64, before, now []uint64) {
	for i, n := range now[:min(len(now), bucketsMax)] {
		earlier := uint64(0)
		if i < len(before) {
			earlier = before[i]
		}
		sum[i] += rise(earlier, n)
	}
}

// percentile is the upper bound of the bucket in which it lies: the truth is at most a fifth less. 0 when nothing was
// counted.
func percentile(buckets *[bucketsMax]uint64, percent uint64) int64 {
	total := uint64(0)
	for _, n := range buckets {
		total += n
	}
	if total == 0 {
		return 0
	}
	// The smallest bucket below which at least so many lie.
	wanted, below := (total*percent+99)/100, uint64(0)
	for i, n := range buckets {
		if below += n; below >= wanted {
			return int64(math.Ceil(min(math.Exp2(float64(i)/4), math.MaxInt64/2)))
		}
	}
	return 0
}
