package node

import (
	"errors"
	"fmt"
)

// quit ends the store after what it is doing.
func (l *loop) quit() {
	if l == nil {
		return
	}
	l.leave()
	l.leaving.until, l.leaving.phase = 0, quitting
	l.goOnLeaving()
}

// end answers everybody who waits, once the store has stopped.
func (l *loop) end(err error) {
	n := l.n
	why := "the store was stopped"
	if err != nil {
		why = err.Error()
	}
	if errors.Is(err, errKilled) {
		err = nil
	}
	switch n.err = err; {
	case err != nil:
		n.log.Error("the store has stopped by itself", "why", err)
	default:
		n.log.Info("the store has stopped", "why", why)
	}
	said := fmt.Sprintf("S%d has stopped: %s", n.cfg.Store.StoreID, why)
	for c := l.crowd.oldest(); c != nil; c = l.crowd.oldest() {
		outcome, unknown := outcomeUnknown(c.request)
		c.answer(stoppedAnswer(c.request, outcome, said+unknown))
	}
	for _, c := range n.commands.close() {
		n.waiting.Add(-1)
		c.callback(stoppedAnswer(c.request, notApplied, said))
	}
	n.arrivals.close()
	n.stats.leaders.Store(0)
	for _, do := range n.orders.close() {
		do(nil)
	}
	l.sight.end(why)
	n.unregister()
	close(n.done)
}
