package store

// lease is a leader's promise to itself that nobody else leads (Raft dissertation, 6.4.1): with CheckQuorum, who has just
// heard a leader grants no vote for an election timeout. It is the Store's own, on Config.Now, with a bound for how far
// clocks may drift; raft's knows no clock.
type lease struct {
	handedOver uint64 // the term of a leadership that was to be handed over
	until      int64
	// votesFrom is when this peer may vote again: before it started it may have promised a leader not to, and forgot.
	votesFrom int64
}

// leaseMicros is how long a confirmation holds from the beginning of its round. A follower's promise is in ticks, of which
// the first may end at once; its clock may be the fastest and this one the slowest.
func (s *Store) leaseMicros() int64 {
	promised := int64(s.cfg.ElectionTicksMin-1) * s.cfg.TickMicros
	return promised - promised*2*s.cfg.ClockDriftPPMMax/1_000_000
}

// leases tells whether leaders have a lease at all: without CheckQuorum nobody promises them anything.
func (s *Store) leases() bool {
	return s.cfg.LeaseReads && (s.cfg.CheckQuorum || s.cfg.Bugs.Has(BugLeaseWithoutQuorum))
}

func (l *lease) renew(term uint64, until int64) {
	if l.handedOver == term {
		return
	}
	l.until = max(l.until, until)
}

func (l *lease) end() { l.until = 0 }

func (l *lease) holds(now int64) bool { return now < l.until }

// restarted notes that the peer starts with a past. Who makes it campaign by hand is outside what a lease bears, as is a
// clock that jumps.
func (p *peer) restarted() {
	cfg := &p.s.cfg
	if p.term > 0 && cfg.LeaseReads && cfg.CheckQuorum {
		p.lease.votesFrom = cfg.Now() + p.s.electionMicros()
	}
}
