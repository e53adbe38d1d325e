package node

import (
	"math"
	"math/bits"
	"sync/atomic"
)

// bucketsMax are for latencies up to 2^((bucketsMax-1)/4) µs, which are 8 minutes; the last bucket takes what is longer.
const bucketsMax = 116

// histogram counts latencies by powers of two of a quarter: bucket i counts those from 2^((i-1)/4) to below 2^(i/4)
// microseconds. It is written by one goroutine and read by any.
type histogram struct {
	buckets   [bucketsMax]atomic.Uint64
	sumMicros atomic.Int64
}

// quarters are the powers of two of 0 to 3 quarters.
var quarters = [4]float64{1, math.Pow(2, 0.25), math.Sqrt2, math.Pow(2, 0.75)}

// bucketOf is the first i for which micros is below 2^(i/4).
func bucketOf(micros int64) int {
	if micros < 1 {
		return 0
	}
	whole := bits.Len64(uint64(micros)) - 1 // 2^whole is not above it
	rest := float64(micros) / float64(uint64(1)<<whole)
	i := 4 * whole
	for _, q := range quarters {
		if rest < q {
			break
		}
		i++
	}
	return min(i, bucketsMax-1)
}

func (h *histogram) add(micros int64) {
	h.buckets[bucketOf(micros)].Add(1)
	h.sumMicros.Add(max(micros, 0))
}

// counts are the buckets up to the last one that counted something.
func (h *histogram) counts() []uint64 {
	var counts []uint64
	for i := range h.buckets {
		if n := h.buckets[i].Load(); n > 0 {
			for len(counts) <= i {
				counts = append(counts, 0)
			}
			counts[i] = n
		}
	}
	return counts
}

// cumulative counts latencies below powers of two, in seconds, as Prometheus wants them.
func (h *histogram) cumulative() (count uint64, sumSeconds float64, below map[float64]uint64) {
	below = map[float64]uint64{}
	for i := range h.buckets {
		count += h.buckets[i].Load()
		if i%4 == 0 && i >= 4*promFrom && i <= 4*promTo {
			below[float64(uint64(1)<<(i/4))/1e6] = count
		}
	}
	return count, float64(h.sumMicros.Load()) / 1e6, below
}

// Prometheus is told the buckets from 2^promFrom to 2^promTo µs: 64 µs to 17 s.
const (
	promFrom = 6
	promTo   = 24
)
