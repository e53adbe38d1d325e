package node

import (
	"fmt"
	"sync"
	"time"
)

// patience watches how long the disk takes for a batch. It looks from outside of the loop, which writes small batches
// itself: a disk that hangs would hold up whoever looks from within.
type patience struct {
	n *Node

	mu     sync.Mutex
	writes bool
	began  time.Time // the batch that is being written
	said   bool      // that it takes long
	timer  *time.Timer
}

// begin and end surround a write.
func (p *patience) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes, p.began = true, time.Now()
	if after := p.n.cfg.Limits.SlowWriteAfter; p.timer == nil {
		p.timer = time.AfterFunc(after, p.look)
	} else {
		p.timer.Reset(after)
	}
}

func (p *patience) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.writes {
		return
	}
	p.timer.Stop()
	if p.said {
		p.n.log.Warn("the disk has written what it was slow with", "took", time.Since(p.began))
	}
	p.writes, p.said = false, false
}

// look is the timer's; one that comes late finds another batch, or none.
func (p *patience) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if takes := p.takes(); takes >= p.n.cfg.Limits.SlowWriteAfter && !p.said {
		p.said = true
		p.n.stats.slowWrites.Add(1)
		p.n.log.Warn("the disk is slow: the store waits for it", "for", takes)
	}
}

// takes is for how long the disk has been writing a batch; 0 when it is not. Called with mu held.
func (p *patience) takes() time.Duration {
	if !p.writes {
		return 0
	}
	return time.Since(p.began)
}

// writeTakes is takes for anybody.
func (n *Node) writeTakes() time.Duration {
	n.patience.mu.Lock()
	defer n.patience.mu.Unlock()
	return n.patience.takes()
}

// Slow says in words that the disk has been writing a batch for longer than Limits.SlowWriteAfter, or nil. It never waits.
func (n *Node) Slow() error {
	if takes := n.writeTakes(); takes >= n.cfg.Limits.SlowWriteAfter {
		return fmt.Errorf("the disk has been writing for %v", takes.Round(time.Millisecond))
	}
	return nil
}
