package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// HashEngines writes the contents of every store's engine, synced or not, to out: for each store its id and number of
// pairs, then the pairs in order, every length before its bytes. An error is out's.
func (w *World) HashEngines(out io.Writer) error {
	for _, m := range w.machines {
		var pairs uint64
		var buf []byte
		err := m.engine.Ascend(nil, nil, func(key, value []byte) bool {
			pairs++
			buf = appendBytes(appendBytes(buf, key), value)
			return true
		})
		if err != nil {
			return err
		}
		head := binary.AppendUvarint(binary.AppendUvarint(nil, m.id), pairs)
		if _, err := out.Write(append(head, buf...)); err != nil {
			return err
		}
	}
	return nil
}

// Hasher is an observer that hashes the full content of every event. Two runs with one sum did the same thing.
type Hasher struct {
	events hash.Hash
	buf    []byte
}

var _ Observer = (*Hasher)(nil)

// NewHasher returns a Hasher that has seen nothing.
func NewHasher() *Hasher { return &Hasher{events: sha256.New()} }

// Event implements Observer.
func (h *Hasher) Event(e *sessionpb.Event) {
	// Room for the length in front of the event.
	const room = binary.MaxVarintLen64
	if len(h.buf) < room {
		h.buf = make([]byte, room, 1<<10)
	}
	buf := sessionpb.AppendEvent(h.buf[:room], e)
	h.buf = buf
	var length [room]byte
	n := binary.PutUvarint(length[:], uint64(len(buf)-room))
	copy(buf[room-n:], length[:n])
	h.events.Write(buf[room-n:])
}

// Sum is the run's hash up to now, in hexadecimal: SHA-256 over the events so far and the engines' present contents. It
// may be asked again later.
func (h *Hasher) Sum(w *World) string {
	engines := sha256.New()
	if err := w.HashEngines(engines); err != nil {
		panic(fmt.Sprintf("sim: the engines cannot be read: %v", err))
	}
	whole := sha256.New()
	whole.Write(h.events.Sum(nil))
	whole.Write(engines.Sum(nil))
	return hex.EncodeToString(whole.Sum(nil))
}

func appendBytes(buf, b []byte) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(b))), b...)
}
