package check

// journal remembers how to take back what was learned, oldest first. It is kept in pieces, so that it grows without
// being copied and forgets without being moved.
type journal[T undo] struct {
	pieces [][]T
}

// undo is how to take back one thing.
type undo interface {
	learnedAt() (seq uint64)
	takeBack()
}

const pieceLen = 1 << 12

func (l *journal[T]) add(u T) {
	last := len(l.pieces) - 1
	if last < 0 || len(l.pieces[last]) == pieceLen {
		l.pieces = append(l.pieces, make([]T, 0, pieceLen))
		last++
	}
	l.pieces[last] = append(l.pieces[last], u)
}

// rewind takes back everything learned after the event seq.
func (l *journal[T]) rewind(seq uint64) {
	for last := len(l.pieces) - 1; last >= 0; last-- {
		piece := l.pieces[last]
		for len(piece) > 0 && piece[len(piece)-1].learnedAt() > seq {
			piece[len(piece)-1].takeBack()
			piece = piece[:len(piece)-1]
		}
		clear(piece[len(piece):cap(piece)])
		l.pieces[last] = piece
		if len(piece) > 0 {
			return
		}
		l.pieces = l.pieces[:last]
	}
}

// shorten forgets the oldest pieces beyond piecesMax, and returns the last event they were about, or 0.
func (l *journal[T]) shorten(piecesMax int) (forgotten uint64) {
	for len(l.pieces) > piecesMax {
		oldest := l.pieces[0]
		forgotten = oldest[len(oldest)-1].learnedAt()
		l.pieces = append(l.pieces[:0:0], l.pieces[1:]...)
	}
	return forgotten
}

// peerUndo gives a peer back the state it had before the event seq.
type peerUndo struct {
	seq    uint64
	peer   *peer
	before peerState
}

func (u peerUndo) learnedAt() uint64 { return u.seq }
func (u peerUndo) takeBack()         { u.peer.state, u.peer.savedSeq = u.before, 0 }

// factUndo takes back a region's newest fact of a kind at an index, term or epoch.
type factUndo struct {
	seq    uint64
	region *region
	fact   factKind
	// at is an index or a term; of ranges a version, of members a conf_ver with its version, of ballots a peer with its term.
	at, version uint64
	commit      *commitMark // of a commit: the one before
}

type factKind uint8

const (
	factLeader factKind = iota + 1
	factEntry
	factApplied
	factRange
	factMembers
	factBallot
	factCommit
)

func (u factUndo) learnedAt() uint64 { return u.seq }
func (u factUndo) takeBack()         { u.region.takeBack(u) }

// change returns a peer's state to be changed, after saving it as it stood before the present event.
func (j *Judges) change(p *peer) *peerState {
	if p.savedSeq != j.seq {
		j.peerUndos.add(peerUndo{seq: j.seq, peer: p, before: p.state})
		p.savedSeq = j.seq
	}
	return &p.state
}

// learned notes that a fact was learned from the present event.
func (j *Judges) learned(r *region, fact factKind, at uint64) {
	j.learnedOf(r, fact, at, 0)
	if fact != factLeader {
		r.facts++
	}
}

// learnedOf is learned of an epoch: such facts are not of a log's indexes.
func (j *Judges) learnedOf(r *region, fact factKind, at, version uint64) {
	j.factUndos.add(factUndo{seq: j.seq, region: r, fact: fact, at: at, version: version})
}

// takeBack forgets the newest fact of a kind at an index, term or epoch.
func (r *region) takeBack(u factUndo) {
	switch u.fact {
	case factLeader:
		delete(r.leaders, u.at)
	case factRange:
		delete(r.ranges, u.at)
	case factMembers:
		delete(r.members, membersEpoch{u.at, u.version})
	case factBallot:
		key := ballotKey{u.at, u.version}
		if r.ballots[key] = r.ballots[key].before; r.ballots[key] == nil {
			delete(r.ballots, key)
		}
	case factCommit:
		r.commit = u.commit
	default:
		r.takeBackEntry(u)
	}
}

// takeBackEntry is takeBack of what stands at an index.
func (r *region) takeBackEntry(u factUndo) {
	s := r.look(u.at)
	switch {
	case u.fact == factApplied:
		s.applied = applied{}
	case len(s.others) > 0:
		s.others = s.others[:len(s.others)-1]
	default:
		s.first = entry{}
	}
	r.facts--
	for last := len(r.slots) - 1; last >= 0 && r.slots[last].empty(); last-- {
		r.slots = r.slots[:last]
	}
}
