package node

import (
	"fmt"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// collector shows a node's figures to Prometheus. Each has the store's id as a label, so that stores of one process share a
// registry.
type collector struct {
	n       *Node
	figures []*prometheus.Desc // of figures, in their order

	latency, sync         *prometheus.Desc
	term, commit, applied *prometheus.Desc
}

var _ prometheus.Collector = (*collector)(nil)

// figure is one number of Stats.
type figure struct {
	name, help string
	kind       prometheus.ValueType
	of         func(*Stats) float64
}

func counter(name, help string, of func(*Stats) uint64) figure {
	return figure{name, help, prometheus.CounterValue, func(s *Stats) float64 { return float64(of(s)) }}
}

func gauge(name, help string, of func(*Stats) int) figure {
	return figure{name, help, prometheus.GaugeValue, func(s *Stats) float64 { return float64(of(s)) }}
}

var figures = []figure{
	counter("ticks_total", "Raft base ticks.", func(s *Stats) uint64 { return s.Ticks }),
	counter("commands_proposed_total", "Commands handed to the store.", func(s *Stats) uint64 { return s.Proposed }),
	counter("commands_answered_total", "Commands answered.", func(s *Stats) uint64 { return s.Answered }),
	counter("commands_timed_out_total", "Commands given up without an answer.", func(s *Stats) uint64 { return s.TimedOut }),
	counter("commands_busy_total", "Commands refused because too many waited.", func(s *Stats) uint64 { return s.Busy }),
	counter("commands_applied_total", "Entries applied that were commands.", func(s *Stats) uint64 { return s.Applied }),
	counter("leader_changes_total", "How often the store became a region's leader.", func(s *Stats) uint64 { return s.LeaderChanges }),
	counter("disk_writes_total", "Batches written.", func(s *Stats) uint64 { return s.Writes }),
	counter("disk_slow_writes_total", "Batches that took the disk longer than a second.", func(s *Stats) uint64 { return s.SlowWrites }),
	{"disk_write_age_seconds", "For how long the disk has been writing a batch; 0 when it is not.", prometheus.GaugeValue,
		func(s *Stats) float64 { return s.WriteTakes.Seconds() }},
	counter("disk_syncs_total", "Batches made durable.", func(s *Stats) uint64 { return s.Syncs }),
	counter("messages_sent_total", "Messages given to the transport.", func(s *Stats) uint64 { return s.MessagesSent }),
	counter("messages_delivered_total", "Messages stepped.", func(s *Stats) uint64 { return s.MessagesDelivered }),
	counter("messages_refused_total", "Messages that the store did not want.", func(s *Stats) uint64 { return s.MessagesRefused }),
	counter("messages_dropped_total", "Messages that found the queue full.", func(s *Stats) uint64 { return s.MessagesDropped }),
	counter("messages_unsent_total", "Messages that the transport did not take.", func(s *Stats) uint64 { return s.MessagesUnsent }),
	counter("events_total", "Events counted while somebody watched.", func(s *Stats) uint64 { return s.Events }),
	counter("events_left_out_total", "Events that a watcher was not shown.", func(s *Stats) uint64 { return s.EventsLeftOut }),
	gauge("commands_waiting", "Commands without an answer.", func(s *Stats) int { return s.Waiting }),
	gauge("commands_queued", "Commands not proposed yet.", func(s *Stats) int { return s.CommandsQueued }),
	gauge("messages_queued", "Messages not stepped yet.", func(s *Stats) int { return s.ArrivalsQueued }),
	gauge("regions", "Regions the store has a peer of.", func(s *Stats) int { return s.Regions }),
	gauge("regions_led", "Regions the store leads.", func(s *Stats) int { return s.Leaders }),
	gauge("watchers", "Who watches.", func(s *Stats) int { return s.Watchers }),
}

func newCollector(n *Node) *collector {
	own := prometheus.Labels{"store": strconv.FormatUint(n.cfg.Store.StoreID, 10)}
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("raftplay_"+name, help, labels, own)
	}
	c := &collector{
		n:       n,
		latency: describe("command_seconds", "How long commands waited for their answer."),
		sync:    describe("disk_sync_seconds", "How long batches took to be durable."),
		term:    describe("raft_term", "Term of a region's peer, while there are few regions.", "region"),
		commit:  describe("raft_commit_index", "Commit index of a region's peer, while there are few regions.", "region"),
		applied: describe("raft_applied_index", "Applied index of a region's peer, while there are few regions.", "region"),
	}
	for _, f := range figures {
		c.figures = append(c.figures, describe(f.name, f.help))
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range c.figures {
		out <- desc
	}
	for _, desc := range []*prometheus.Desc{c.latency, c.sync, c.term, c.commit, c.applied} {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	stats := c.n.Stats()
	for i, f := range figures {
		out <- prometheus.MustNewConstMetric(c.figures[i], f.kind, f.of(&stats))
	}
	collectHistogram(out, c.latency, &c.n.stats.latency)
	collectHistogram(out, c.sync, &c.n.stats.sync)
	regions := c.n.stats.perRegion.Load()
	if regions == nil {
		return
	}
	for _, r := range *regions {
		region := strconv.FormatUint(r.RegionID, 10)
		tell := func(desc *prometheus.Desc, value uint64) {
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), region)
		}
		tell(c.term, r.Term)
		tell(c.commit, r.Commit)
		tell(c.applied, r.Applied)
	}
}

func collectHistogram(out chan<- prometheus.Metric, desc *prometheus.Desc, h *histogram) {
	count, sum, below := h.cumulative()
	out <- prometheus.MustNewConstHistogram(desc, count, sum, below)
}

// register gives the node's metrics to the registerer, and returns how to take them back.
func (n *Node) register() (unregister func(), err error) {
	r := n.cfg.Registerer
	if r == nil {
		return func() {}, nil
	}
	c := newCollector(n)
	if err := r.Register(c); err != nil {
		return nil, fmt.Errorf("register the metrics of store %d: %w", n.cfg.Store.StoreID, err)
	}
	return func() { r.Unregister(c) }, nil
}
