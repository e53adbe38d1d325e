package web

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// bucket is a token bucket: full, it holds burst; it fills by perSecond. The zero bucket is full at its first use.
type bucket struct {
	missing float64
	last    time.Time
}

// take takes n out and tells whether so many were there; if not, nothing is taken.
func (b *bucket) take(now time.Time, n, perSecond, burst float64) bool {
	b.fill(now, perSecond)
	if b.missing+n > burst {
		return false
	}
	b.missing += n
	return true
}

func (b *bucket) fill(now time.Time, perSecond float64) {
	if passed := now.Sub(b.last).Seconds(); passed > 0 && !b.last.IsZero() {
		b.missing = max(0, b.missing-passed*perSecond)
	}
	b.last = now
}

// wait is how long it takes until there is one to take, in whole seconds, rounded up.
func (b *bucket) wait(perSecond, burst float64) time.Duration {
	seconds := (b.missing + 1 - burst) / perSecond
	return (time.Duration(seconds*float64(time.Second)) + time.Second - 1).Truncate(time.Second)
}

// addressesMax bounds the addresses that one limiter remembers; the one that was longest quiet is forgotten first.
const addressesMax = 4096

// limiter has a bucket for each address. It is safe for several goroutines.
type limiter struct {
	perSecond, burst float64

	mu      sync.Mutex
	buckets map[string]*bucket
}

func newLimiter(perSecond float64, burst int) *limiter {
	return &limiter{perSecond: perSecond, burst: float64(burst), buckets: map[string]*bucket{}}
}

// take takes one out of the address's bucket, if there is one.
func (l *limiter) take(now time.Time, address string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[address]
	if !known {
		l.makeRoom()
		b = &bucket{}
		l.buckets[address] = b
	}
	return b.take(now, 1, l.perSecond, l.burst)
}

// exhausted returns how long to wait until there is one to take; 0 means that there is. It takes nothing.
func (l *limiter) exhausted(now time.Time, address string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[address]
	if !known {
		return 0
	}
	b.fill(now, l.perSecond)
	if b.missing+1 <= l.burst {
		return 0
	}
	return b.wait(l.perSecond, l.burst)
}

func (l *limiter) makeRoom() {
	if len(l.buckets) < addressesMax {
		return
	}
	oldest := ""
	for address, b := range l.buckets {
		if oldest == "" || b.last.Before(l.buckets[oldest].last) {
			oldest = address
		}
	}
	delete(l.buckets, oldest)
}

// addressKey is what limits by address count by: the host of host:port, and of IPv6 its /64, which is the least that one
// subscriber is given.
func addressKey(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() && !ip.IsLoopback() {
		prefix, _ := ip.Prefix(64) // 64 is within the bounds of IPv6
		return prefix.String()
	}
	return ip.String()
}
