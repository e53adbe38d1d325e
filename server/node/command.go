package node

import (
	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// command is a client's command on its way. The loop owns it once it is out of its queue.
type command struct {
	l        *loop
	request  *raftcmdpb.RaftCommandRequest // nil once it is answered
	callback func(*raftcmdpb.RaftCommandResponse)
	bytes    int
	started  int64 // on the node's clock
	// operation is its number among those of the store's life.
	operation uint64
	// The commands that wait are a ring, in the order in which they came.
	before, after *command
}

func newCommand(now int64, req *raftcmdpb.RaftCommandRequest, callback func(*raftcmdpb.RaftCommandResponse)) *command {
	return &command{request: req, callback: callback, bytes: proto.Size(req), started: now}
}

// crowd is the ring of the commands that wait for their answer; its head is no command.
type crowd struct{ head command }

func (w *crowd) init() { w.head.before, w.head.after = &w.head, &w.head }

func (w *crowd) empty() bool { return w.head.after == &w.head }

// oldest is the one that has waited longest, or nil.
func (w *crowd) oldest() *command {
	if w.empty() {
		return nil
	}
	return w.head.after
}

func (w *crowd) add(c *command) {
	c.before, c.after = w.head.before, &w.head
	c.before.after, c.after.before = c, c
}

func (c *command) leave() {
	c.before.after, c.after.before = c.after, c.before
	c.before, c.after = nil, nil
}

// propose hands a command to the store.
func (l *loop) propose(c *command) {
	c.l = l
	l.lastOperation++
	c.operation = l.lastOperation
	l.crowd.add(c)
	l.n.stats.proposed.Add(1)
	if l.sight.happens() {
		l.sight.operationStarted(c)
	}
	l.touch(c.request.GetHeader().GetRegionId())
	l.store.Propose(c.request, c.answer)
}

// answer ends a command. An answer that comes after it was given up goes unheard.
func (c *command) answer(response *raftcmdpb.RaftCommandResponse) {
	if c.request == nil {
		return
	}
	l := c.l
	if l.sight.happens() {
		l.sight.operationEnded(c, response)
	}
	c.leave()
	callback := c.callback
	c.request, c.callback = nil, nil
	stats := &l.n.stats
	stats.answered.Add(1)
	stats.latency.add(l.n.now() - c.started)
	l.n.waiting.Add(-1)
	callback(response)
}

// timeOut answers the commands whose clients have waited long enough.
func (l *loop) timeOut(now int64) {
	for {
		c := l.crowd.oldest()
		if c == nil || now-c.started < l.n.cfg.Limits.CommandTimeout.Microseconds() {
			return
		}
		l.n.stats.timedOut.Add(1)
		c.answer(timeoutAnswer(c.request, now-c.started))
	}
}
