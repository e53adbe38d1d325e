package sim

import (
	"hash/fnv"
	"math/bits"
	"math/rand/v2"
	"strconv"
)

// stream is one named source of chance. Streams of different names are independent: what one draws does not move the
// others.
type stream struct{ pcg rand.PCG }

// newStream returns the stream of that name in the run of that seed.
func newStream(seed uint64, name string) stream {
	h := fnv.New64a()
	h.Write([]byte(name))
	var s stream
	s.pcg.Seed(seed, h.Sum64())
	return s
}

// below draws evenly from [0, n), n > 0, with exactly one draw from the generator. (math/rand's own bounded draws may
// take more than one and are not promised to stay as they are; PCG is.)
func (s *stream) below(n uint64) uint64 {
	high, _ := bits.Mul64(s.pcg.Uint64(), n)
	return high
}

// between draws evenly from [lo, hi].
func (s *stream) between(lo, hi int64) int64 { return lo + int64(s.below(uint64(hi-lo)+1)) }

// oneIn draws true once in n times.
func (s *stream) oneIn(n uint64) bool { return s.below(n) == 0 }

// ppm draws true so many times in a million.
func (s *stream) ppm(share uint32) bool { return s.below(1_000_000) < uint64(share) }

// streamName joins a purpose and ids: "latency/1/2".
func streamName(purpose string, ids ...uint64) string {
	name := []byte(purpose)
	for _, id := range ids {
		name = append(name, '/')
		name = strconv.AppendUint(name, id, 10)
	}
	return string(name)
}
