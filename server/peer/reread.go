package peer

import (
	"os"
	"slices"
	"sync"
	"time"
)

// reread is what files hold, read again when they have changed.
type reread[T any] struct {
	files []string
	read  func() (T, error)

	mu       sync.Mutex
	good     bool // kept was read
	kept     T
	modified []time.Time
}

// current returns what the files hold; when they cannot be read any more, what they held last. It fails only before the
// first reading.
func (r *reread[T]) current() (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	modified := make([]time.Time, len(r.files))
	for i, file := range r.files {
		if info, err := os.Stat(file); err == nil {
			modified[i] = info.ModTime()
		}
	}
	if r.good && slices.Equal(modified, r.modified) {
		return r.kept, nil
	}
	read, err := r.read()
	if err != nil && !r.good {
		return read, err
	}
	if err == nil {
		r.kept, r.good = read, true
	}
	r.modified = modified
	return r.kept, nil
}
