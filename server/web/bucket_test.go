package web

import (
	"fmt"
	"testing"
	"time"
)

func TestABucketFillsWithTime(t *testing.T) {
	start := time.Unix(1000, 0)
	l := newLimiter(0.5, 3)
	for n := range 3 {
		if !l.take(start, "a") {
			t.Fatalf("the burst ended after %d", n)
		}
	}
	if l.take(start, "a") || !l.take(start, "b") {
		t.Error("the addresses do not count for themselves")
	}
	if wait := l.exhausted(start.Add(500*time.Millisecond), "a"); wait != 2*time.Second {
		t.Errorf("with 1.5 s to go, the wait is %s", wait)
	}
	if l.take(start.Add(1900*time.Millisecond), "a") || !l.take(start.Add(2100*time.Millisecond), "a") {
		t.Error("one does not come every two seconds")
	}
	if l.exhausted(start.Add(time.Hour), "a") != 0 || l.exhausted(start, "never seen") != 0 {
		t.Error("a full bucket is called exhausted")
	}
	for n := range 4 {
		if got := l.take(start.Add(time.Hour), "a"); got != (n < 3) {
			t.Errorf("after an hour, number %d is %v: a bucket holds its burst, and no more", n, got)
		}
	}
	if l.take(start, "a") { // a clock that is set back gives nothing
		t.Error("time that runs back fills the bucket")
	}
}

func TestALimiterRemembersABoundedNumberOfAddresses(t *testing.T) {
	start := time.Unix(1000, 0)
	l := newLimiter(1, 1)
	for n := range addressesMax + 10 {
		l.take(start.Add(time.Duration(n)*time.Microsecond), fmt.Sprint(n))
	}
	if len(l.buckets) != addressesMax {
		t.Errorf("%d addresses are remembered", len(l.buckets))
	}
	if _, known := l.buckets["9"]; known {
		t.Error("one that was longest quiet is remembered")
	}
	if _, known := l.buckets["10"]; !known {
		t.Error("one that was not longest quiet is forgotten")
	}
}

func TestAddressesOfOneSubscriberAreOne(t *testing.T) {
	for remote, key := range map[string]string{
		"192.0.2.1:5000":              "192.0.2.1",
		"[::ffff:192.0.2.1]:5000":     "192.0.2.1",
		"[2001:db8:1:2:3:4:5:6]:5000": "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::1]:6000": "2001:db8:1:2::/64",
		"[2001:db8:1:3::1]:6000":      "2001:db8:1:3::/64",
		"[fe80::1%eth0]:6000":         "fe80::/64",
		"[::1]:6000":                  "::1",
		"127.0.0.1:1":                 "127.0.0.1",
		"@":                           "@", // of a socket without address
	} {
		if got := addressKey(remote); got != key {
			t.Errorf("%s counts as %s, want %s", remote, got, key)
		}
	}
}
