package node

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	rpcpb "raftplay/server/rpc/rpcpb/v1"

	"raftplay/core/store"
)

// loop owns the store. Only its goroutine touches it.
type loop struct {
	n     *Node
	store *store.Store
	disk  writer
	// write is what the disk works on.
	write write
	// steps counts the messages and commands taken since it began.
	steps int

	nextTick int64 // when the next tick is due
	tick     *time.Timer
	tickDue  bool
	// more: there is something to do without anything coming.
	more bool
	over bool

	crowd         crowd
	lastOperation uint64
	lastParcel    uint64
	lastWrite     uint64

	sight   sight
	follow  follow
	leaving *leaving
	absent  map[uint64]bool // stores that messages do not reach
	// described is the last description, made at describedAt; nil when it does not hold any more.
	described   *rpcpb.DescribeResponse
	describedAt int64

	// What a turn takes; the memory is used again.
	arrivals []arrival
	commands []*command
	orders   []func(*loop)
	lost     []uint64
}

func newLoop(n *Node) (*loop, error) {
	l := &loop{n: n}
	l.crowd.init()
	cfg := n.cfg.Store
	cfg.Engine, cfg.Now, cfg.Observer, cfg.Commands = n.cfg.Disk, n.now, nil, nil
	s, err := openStore(cfg)
	if err != nil {
		return nil, err
	}
	l.store = s
	l.sight.init(l)
	l.follow.init(l)
	return l, nil
}

// openStore opens a store; what the disk holds may be broken in ways that only reading it shows.
func openStore(cfg store.Config) (s *store.Store, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			s, err = nil, fmt.Errorf("open store %d: %v", cfg.StoreID, broken)
		}
	}()
	return store.Open(cfg)
}

// run is the loop's goroutine.
func (l *loop) run() {
	l.disk.start(l.n.cfg.Disk)
	l.nextTick = l.n.now() + l.tickMicros()
	l.tick = time.NewTimer(time.Duration(l.tickMicros()) * time.Microsecond)
	err := l.drive()
	l.tick.Stop()
	l.disk.stop()
	l.n.patience.end() // of what was being written when it was killed
	l.end(err)
}

// drive turns until the store is to stop, and returns why, if it stops by itself. A panic is a broken invariant, or an
// engine that cannot be read: going on would let replicas differ.
func (l *loop) drive() (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			l.n.log.Error("the store broke", "why", broken, "stack", string(debug.Stack()))
			err = fmt.Errorf("the store cannot go on: %v", broken)
		}
	}()
	for !l.over {
		if err := l.wait(); err != nil {
			return err
		}
		if err := l.turn(); err != nil {
			return err
		}
	}
	return nil
}

var errKilled = errors.New("it was killed")

// wait returns when there is something to do.
func (l *loop) wait() error {
	select {
	case <-l.n.killed: // before anything else
		return errKilled
	default:
	}
	if l.more {
		l.more = false
		select {
		case err := <-l.disk.written:
			return l.wrote(err)
		case <-l.tick.C:
			l.tickDue = true
		default:
		}
		return nil
	}
	select {
	case <-l.n.killed:
		return errKilled
	case <-l.n.wakeup:
	case <-l.tick.C:
		l.tickDue = true
	case <-l.sight.clock():
	case err := <-l.disk.written:
		return l.wrote(err)
	}
	return nil
}

// turn takes what has come, and carries out what the store owes. Messages come before the tick: after a stall, a leader's
// heartbeat that waited counts as heard.
func (l *loop) turn() error {
	l.orders, _ = l.n.orders.take(l.orders[:0], ordersMax)
	for i, do := range l.orders {
		l.orders[i] = nil
		do(l)
	}
	l.takeLost()
	l.takeArrivals()
	l.takeCommands()
	if l.tickDue {
		l.tickOnce()
	}
	if err := l.settle(); err != nil {
		return err
	}
	l.store.Answer() // what the disk still works on is no concern of those
	l.n.stats.applied.Store(l.store.CommandsApplied())
	l.follow.look()
	l.sight.publish()
	l.goOnLeaving()
	return nil
}

// room is how many more messages, or commands, this turn takes: while a batch is being written what follows from them
// piles up in memory.
func (l *loop) room() int {
	most := l.n.cfg.Limits.StepsPerTurnMax
	if l.write.busy {
		most = min(most, l.n.cfg.Limits.StepsPerWriteMax-l.steps)
	}
	return max(most, 0)
}

func (l *loop) takeArrivals() {
	var more bool
	room := l.room()
	l.arrivals, more = l.n.arrivals.take(l.arrivals[:0], room)
	l.more = l.more || more && room > 0
	l.steps += len(l.arrivals)
	for i := range l.arrivals {
		l.step(&l.arrivals[i])
		l.arrivals[i] = arrival{}
	}
}

func (l *loop) takeCommands() {
	var more bool
	room := l.room()
	l.commands, more = l.n.commands.take(l.commands[:0], room)
	l.more = l.more || more && room > 0
	l.steps += len(l.commands)
	for i, c := range l.commands {
		l.propose(c)
		l.commands[i] = nil
	}
}

// takeLost tells the store to whom messages are lost.
func (l *loop) takeLost() {
	l.lost = l.n.takeLost(l.lost)
	for _, id := range l.lost {
		l.noteLost(id)
		l.store.Unreachable(id)
	}
	if len(l.lost) > 0 {
		l.follow.all = true
	}
	l.lost = l.lost[:0]
}

func (l *loop) tickMicros() int64 { return l.n.cfg.Store.TickMicros }

// tickOnce is one RaftBaseTick, however long ago the last one was: a process that stood still must not take its own
// standing still for a silence of the others.
func (l *loop) tickOnce() {
	l.tickDue = false
	now := l.n.now()
	if l.nextTick += l.tickMicros(); l.nextTick <= now {
		l.nextTick = now + l.tickMicros()
	}
	l.tick.Reset(time.Duration(l.nextTick-now) * time.Microsecond)
	l.n.stats.ticks.Add(1)
	tell := l.sight.happens()
	if tell {
		l.sight.ticked()
	}
	l.store.Tick()
	if tell {
		l.sight.showTimers()
	}
	l.timeOut(now)
	l.follow.tick()
	l.countRegions()
}

// touch notes that something may have changed in a region.
func (l *loop) touch(regionID uint64) { l.follow.touch(regionID) }
