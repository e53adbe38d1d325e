package node

import (
	"fmt"
	"time"

	"raftplay/core/engine"
	"raftplay/core/store"
)

// writer is the goroutine that writes batches, one at a time.
type writer struct {
	disk    Disk
	batches chan batch
	written chan outcome
	ended   chan struct{}
}

// batch is what the disk is to write, outcome what became of it.
type batch struct {
	batch *engine.Batch
	sync  bool
}

type outcome struct {
	err    error
	micros int64
}

func (w *writer) start(disk Disk) {
	w.disk = disk
	w.batches, w.written, w.ended = make(chan batch, 1), make(chan outcome, 1), make(chan struct{})
	go w.run()
}

func (w *writer) run() {
	defer close(w.ended)
	for b := range w.batches {
		w.written <- w.commit(b.batch, b.sync)
	}
}

// stop returns when nothing is being written any more.
func (w *writer) stop() {
	close(w.batches)
	<-w.ended
}

// commit writes a batch. A disk that panics has failed.
func (w *writer) commit(b *engine.Batch, sync bool) (o outcome) {
	began := time.Now()
	defer func() {
		if broken := recover(); broken != nil {
			o.err = fmt.Errorf("it broke: %v", broken)
		}
		o.micros = time.Since(began).Microseconds()
	}()
	return outcome{err: w.disk.Commit(b, sync)}
}

// inlineBytesMax is how large a batch may be that the loop writes itself.
const inlineBytesMax = 64 << 10

// inline tells whether the loop writes a batch itself: one that needs no sync costs less than handing it over.
func (w *writer) inline(rd store.Ready) bool {
	return !rd.MustSync && rd.Batch.SizeBytes() <= inlineBytesMax
}
