package cluster

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
)

// storeIDMax leaves room in the ids that a store gives: see server/disk.
const storeIDMax = 999

// Peers are the stores of a cluster and where they serve: host:port by store id.
type Peers map[uint64]string

// ParsePeers reads "1=host:port,2=host:port".
func ParsePeers(text string) (Peers, error) {
	peers := Peers{}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		number, address, found := strings.Cut(part, "=")
		if !found {
			return nil, fmt.Errorf("%q is no peer: peers are written as 1=host:port,2=host:port", part)
		}
		id, err := strconv.ParseUint(number, 10, 64)
		if err != nil || id == 0 || id > storeIDMax {
			return nil, fmt.Errorf("%q: a store's id is a number from 1 to %d", part, storeIDMax)
		}
		if err := checkAddress(address); err != nil {
			return nil, fmt.Errorf("store %d: %w", id, err)
		}
		if peers[id] != "" {
			return nil, fmt.Errorf("store %d is named twice among the peers", id)
		}
		for other, taken := range peers {
			if taken == address {
				return nil, fmt.Errorf("stores %d and %d have the same address %s", min(id, other), max(id, other), address)
			}
		}
		peers[id] = address
	}
	return peers, nil
}

func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is no address: one is written as host:port", address)
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
		return fmt.Errorf("%q has no port from 1 to 65535", address)
	}
	if host == "" {
		return errors.New("an address that others use must name the host, as in 10.0.0.1" + address)
	}
	return nil
}

// IDs are the stores' ids, ascending.
func (p Peers) IDs() []uint64 { return slices.Sorted(maps.Keys(p)) }

// String writes the peers as ParsePeers reads them.
func (p Peers) String() string {
	var parts []string
	for _, id := range p.IDs() {
		parts = append(parts, fmt.Sprintf("%d=%s", id, p[id]))
	}
	return strings.Join(parts, ",")
}

// clusterID is of a cluster that begins with these stores: two lists that differ make two clusters, which then refuse each
// other instead of electing two leaders. It fits a number of JavaScript's.
func (p Peers) clusterID() uint64 {
	h := fnv.New64a()
	// A hash never fails to write.
	_, _ = h.Write([]byte(p.String()))
	return h.Sum64()>>16 | 1
}
