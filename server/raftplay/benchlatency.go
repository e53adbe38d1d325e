package main

import "math/bits"

// latencies counts durations in microseconds, in buckets of which each is at most 1/32 of its value wide.
type latencies struct {
	buckets [latencyBuckets]uint64
	count   uint64
}

const (
	latencyFineBits = 5
	latencyFine     = 1 << latencyFineBits
	// latencyBuckets reach to 2^40 µs, which is 12 days.
	latencyBuckets = (40 - latencyFineBits + 1) * latencyFine
)

func latencyBucket(micros int64) int {
	v := uint64(max(micros, 0))
	if v < latencyFine {
		return int(v)
	}
	shift := bits.Len64(v) - latencyFineBits - 1
	return min((shift+1)*latencyFine+int(v>>shift)-latencyFine, latencyBuckets-1)
}

// latencyAt is the middle of a bucket.
func latencyAt(bucket int) int64 {
	if bucket < 2*latencyFine {
		return int64(bucket)
	}
	shift := bucket/latencyFine - 1
	low := int64(latencyFine+bucket%latencyFine) << shift
	return low + (int64(1)<<shift)/2
}

func (l *latencies) note(micros int64) {
	l.buckets[latencyBucket(micros)]++
	l.count++
}

func (l *latencies) add(other *latencies) {
	for i, n := range other.buckets {
		l.buckets[i] += n
	}
	l.count += other.count
}

// percentile is the duration that so many of 100 do not exceed; 0 when there are none.
func (l *latencies) percentile(percent uint64) int64 {
	if l.count == 0 {
		return 0
	}
	rank := (l.count*percent + 99) / 100
	for i, n := range l.buckets {
		if n >= rank {
			return latencyAt(i)
		}
		rank -= n
	}
	return latencyAt(latencyBuckets - 1)
}
