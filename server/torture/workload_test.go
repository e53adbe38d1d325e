//go:build unix

package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"

	"raftplay/server/client"
)

const (
	workers = 6
	// keysPerEpoch are few, so that clients meet on them; an epoch's are left alone afterwards, so that what hangs together
	// can be judged.
	keysPerEpoch = 3
	// thinkMax is between two commands of a worker, at most: with more commands the judge has more to do, and faults do not
	// meet more of them at a time.
	thinkMax = 12 * time.Millisecond
	// patienceMin and patienceMax are for how long a client waits for an answer.
	patienceMin, patienceMax = 100 * time.Millisecond, 2 * time.Second
)

// load is clients at work, until it is stopped.
type load struct {
	h       *history
	clients []*client.Client
	epoch   atomic.Int64
	ctx     context.Context // until it is stopped
	cancel  context.CancelFunc
	work    sync.WaitGroup
}

// startLoad sets workers to work. Each client serves half of them.
func startLoad(t testing.TB, endpoints []string, seed uint64) *load {
	t.Helper()
	l := &load{h: newHistory(), clients: []*client.Client{open(t, endpoints), open(t, endpoints)}}
	l.ctx, l.cancel = context.WithCancel(t.Context())
	for n := range workers {
		w := worker{load: l, n: n + 1, c: l.clients[n%len(l.clients)], draw: rand.New(rand.NewPCG(seed, uint64(n+1))), known: map[string][]byte{}}
		l.work.Go(func() { w.run(l.ctx) })
	}
	t.Cleanup(l.stop)
	return l
}

// stop waits for the commands under way.
func (l *load) stop() {
	l.cancel()
	l.work.Wait()
}

func keyOf(epoch int64, n int) string { return fmt.Sprintf("epoch-%04d/%d", epoch, n) }

// serves waits until a write is carried out: the cluster has to get well again.
func (l *load) serves(t testing.TB) error {
	began := time.Now()
	_, err := l.h.do(within(t), l.clients[0], 0, put(keyOf(l.epoch.Load(), 0), fmt.Sprintf("well after %d", l.h.now())))
	if err != nil {
		return fmt.Errorf("the cluster does not serve within %v: %w", time.Since(began).Round(time.Millisecond), err)
	}
	return nil
}

// readBack reads every key of every epoch.
func (l *load) readBack(t testing.TB) error {
	for epoch := range l.epoch.Load() + 1 {
		for n := range keysPerEpoch {
			if _, err := l.h.do(within(t), l.clients[0], 0, get(keyOf(epoch, n), raftcmdpb.ReadMode_READ_MODE_READ_INDEX)); err != nil {
				return fmt.Errorf("key %s is not read back: %w", keyOf(epoch, n), err)
			}
		}
	}
	return nil
}

// worker sends one command after the other.
type worker struct {
	*load
	n     int
	c     *client.Client
	draw  *rand.Rand
	deeds int
	// known is what it has last seen in the keys of the epoch.
	known map[string][]byte
	of    int64
}

func (w *worker) run(ctx context.Context) {
	for ctx.Err() == nil {
		key, req := w.next()
		waits, cancel := context.WithTimeout(ctx, patienceMin+time.Duration(w.draw.Int64N(int64(patienceMax-patienceMin))))
		answer, err := w.h.do(waits, w.c, w.n, req)
		cancel()
		if err == nil {
			w.learn(key, req, answer)
		}
		pause := time.NewTimer(time.Duration(w.draw.Int64N(int64(thinkMax))))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

// next draws a command. Its value is signed, so that whoever is told of it knows whose it is.
func (w *worker) next() (key string, req *raftcmdpb.RaftCommandRequest) {
	if epoch := w.epoch.Load(); epoch != w.of {
		w.of, w.known = epoch, map[string][]byte{}
	}
	w.deeds++
	key = keyOf(w.of, w.draw.IntN(keysPerEpoch))
	value := fmt.Sprintf("%d by %d.%d", w.draw.IntN(1000), w.n, w.deeds)
	switch n := w.draw.IntN(100); {
	case n < 30:
		return key, put(key, value)
	case n < 50:
		return key, get(key, raftcmdpb.ReadMode_READ_MODE_READ_INDEX)
	case n < 75:
		return key, get(key, raftcmdpb.ReadMode_READ_MODE_LEASE)
	case n < 80:
		// What is long settled is looked at again.
		return key, get(keyOf(w.draw.Int64N(w.of+1), w.draw.IntN(keysPerEpoch)), raftcmdpb.ReadMode_READ_MODE_READ_INDEX)
	case n < 94:
		return key, putIf(key, value, w.known[key])
	default:
		return key, remove(key)
	}
}

func (w *worker) learn(key string, req *raftcmdpb.RaftCommandRequest, answer *raftcmdpb.RaftCommandResponse) {
	request := req.GetRequests()[0]
	switch failed := answer.GetCompareFailed(); {
	case failed != nil && failed.GetFound():
		w.known[key] = failed.GetValue()
	case failed != nil:
		w.known[key] = nil
	case request.GetPut() != nil:
		w.known[key] = request.GetPut().GetValue()
	case request.GetDelete() != nil:
		w.known[key] = nil
	default:
		if got := answer.GetResponses()[0].GetGet(); string(request.GetGet().GetKey()) == key && got.GetFound() {
			w.known[key] = got.GetValue()
		}
	}
}
