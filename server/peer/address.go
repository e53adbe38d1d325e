package peer

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// checkAddress says why an address cannot be dialled from elsewhere, or nil.
func checkAddress(address string) error {
	if len(address) > addressBytesMax {
		return fmt.Errorf("its address is longer than %d bytes", addressBytesMax)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" || port == "0" {
		return fmt.Errorf("%q is no host:port", address)
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		return fmt.Errorf("%s is where a store listens, not where it is found", address)
	}
	return nil
}

// places are where a store may be found: where it said last, and where it was said to be at first. A store that tells a
// wrong address must not make itself unreachable.
type places struct {
	addresses []string
	next      int // of addresses: the one to try
}

func (p *places) current() string { return p.addresses[p.next] }

// failed turns to the other address.
func (p *places) failed() { p.next = (p.next + 1) % len(p.addresses) }

// learn puts a new address first; false when it is there already.
func (p *places) learn(address string) bool {
	if p.addresses[0] == address {
		return false
	}
	first := p.addresses[len(p.addresses)-1]
	p.addresses = slices.Compact([]string{address, first})
	p.next = 0
	return true
}
