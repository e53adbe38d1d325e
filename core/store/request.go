package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	errorpb "raftplay/core/pb/errorpb/v1"
	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
)

// CheckRequest says in one sentence what is wrong with a command's form, or nil. It looks at nothing but the command.
func CheckRequest(req *raftcmdpb.RaftCommandRequest, l Limits) error {
	header := req.GetHeader()
	switch {
	case header == nil:
		return errors.New("the command has no header")
	case header.GetClient() == 0 && header.GetSequence() != 0:
		return errors.New("a sequence needs a client")
	case header.GetClient() != 0 && header.GetSequence() == 0:
		return errors.New("a client's requests are numbered from 1")
	case req.GetAdmin() != nil:
		return checkAdmin(req, l)
	case req.GetStatus() != nil:
		return checkStatus(req)
	case len(req.GetRequests()) == 0:
		return errors.New("the command asks for nothing")
	case len(req.GetRequests()) > l.RequestsMax:
		return fmt.Errorf("%d requests in one command; the most is %d", len(req.GetRequests()), l.RequestsMax)
	case len(req.GetCompares()) > l.RequestsMax:
		return fmt.Errorf("%d compares in one command; the most is %d", len(req.GetCompares()), l.RequestsMax)
	}
	for _, c := range req.GetCompares() {
		if c.GetExpect() == nil {
			return errors.New("a compare expects neither a value nor absence")
		}
		if _, absent := c.GetExpect().(*raftcmdpb.Compare_Absent); absent && !c.GetAbsent() {
			return errors.New("a compare's absent must be true")
		}
		if err := checkPair(c.GetKey(), c.GetValue(), l); err != nil {
			return err
		}
	}
	for _, r := range req.GetRequests() {
		if err := checkOne(r, l); err != nil {
			return err
		}
	}
	if n := pairsRead(req); raftcmdpb.Writes(req) && n > l.PairsBesideWritesMax {
		return fmt.Errorf("a command that writes reads at most %d pairs, not %d: read them apart", l.PairsBesideWritesMax, n)
	}
	return checkReadMode(req)
}

// pairsRead is how many pairs a command's answer may hold.
func pairsRead(req *raftcmdpb.RaftCommandRequest) int {
	n := 0
	for _, r := range req.GetRequests() {
		switch r := r.GetRequest().(type) {
		case *raftcmdpb.Request_Get, *raftcmdpb.Request_Seek:
			n++
		case *raftcmdpb.Request_Scan:
			n += int(r.Scan.GetLimit())
		}
	}
	return n
}

func checkStatus(req *raftcmdpb.RaftCommandRequest) error {
	if len(req.GetRequests()) > 0 || len(req.GetCompares()) > 0 {
		return errors.New("a status command carries nothing else")
	}
	switch t := req.GetStatus().GetType(); t {
	case raftcmdpb.StatusType_STATUS_TYPE_REGION_LEADER, raftcmdpb.StatusType_STATUS_TYPE_REGION_DETAIL,
		raftcmdpb.StatusType_STATUS_TYPE_STORE_STATS:
		return nil
	default:
		return fmt.Errorf("there is no status of type %d", t)
	}
}

func checkOne(r *raftcmdpb.Request, l Limits) error {
	switch r := r.GetRequest().(type) {
	case *raftcmdpb.Request_Get:
		return checkPair(r.Get.GetKey(), nil, l)
	case *raftcmdpb.Request_Seek:
		return checkKeyLength(r.Seek.GetKey(), l)
	case *raftcmdpb.Request_Scan:
		scan := r.Scan
		if scan.GetLimit() < 1 || int(scan.GetLimit()) > l.ScanPairsMax {
			return fmt.Errorf("a scan's limit must be from 1 to %d, not %d", l.ScanPairsMax, scan.GetLimit())
		}
		if len(scan.GetEndKey()) > 0 && bytes.Compare(scan.GetStartKey(), scan.GetEndKey()) >= 0 {
			return errors.New("a scan's start must be before its end")
		}
		return errors.Join(checkKeyLength(scan.GetStartKey(), l), checkKeyLength(scan.GetEndKey(), l))
	case *raftcmdpb.Request_Put:
		return checkPair(r.Put.GetKey(), r.Put.GetValue(), l)
	case *raftcmdpb.Request_Delete:
		return checkPair(r.Delete.GetKey(), nil, l)
	default:
		return errors.New("a request asks for nothing")
	}
}

func checkPair(key, value []byte, l Limits) error {
	if len(key) == 0 {
		return errors.New("the key is empty")
	}
	if len(value) > l.ValueBytesMax {
		return fmt.Errorf("the value has %d bytes; the most is %d", len(value), l.ValueBytesMax)
	}
	return checkKeyLength(key, l)
}

func checkKeyLength(key []byte, l Limits) error {
	if len(key) > l.KeyBytesMax {
		return fmt.Errorf("the key has %d bytes; the most is %d", len(key), l.KeyBytesMax)
	}
	return nil
}

func checkReadMode(req *raftcmdpb.RaftCommandRequest) error {
	if mode := req.GetHeader().GetReadMode(); mode < 0 || mode > raftcmdpb.ReadMode_READ_MODE_STALE {
		return fmt.Errorf("there is no read mode %d", mode)
	}
	return nil
}

// misplaced answers a command that is for another shape of the region, or for keys outside it; nil when it fits.
func (s *Store) misplaced(req *raftcmdpb.RaftCommandRequest, region *metapb.Region) *raftcmdpb.RaftCommandResponse {
	epoch, now := req.GetHeader().GetRegionEpoch(), region.GetRegionEpoch()
	if s.cfg.Bugs.Has(BugSkipEpochCheck) {
		return nil
	}
	// A data command does not care who the members are: conf_ver may differ (TiKV, check_epoch).
	if epoch.GetVersion() != now.GetVersion() {
		return staleEpoch(region, s.othersOf(req, region)...)
	}
	for _, c := range req.GetCompares() {
		if !inRegion(c.GetKey(), region) {
			return keyNotInRegion(c.GetKey(), region, s.RegionOf(c.GetKey()))
		}
	}
	for _, r := range req.GetRequests() {
		if key := raftcmdpb.KeyOf(r); !inRegion(key, region) {
			return keyNotInRegion(key, region, s.RegionOf(key))
		}
	}
	return nil
}

// othersOf are the regions, but for one, that hold a command's keys as this store knows them.
func (s *Store) othersOf(req *raftcmdpb.RaftCommandRequest, but *metapb.Region) []*metapb.Region {
	var others []*metapb.Region
	add := func(key []byte) {
		if region := s.RegionOf(key); region != nil && region != but && !slices.Contains(others, region) {
			others = append(others, region)
		}
	}
	for _, c := range req.GetCompares() {
		add(c.GetKey())
	}
	for _, r := range req.GetRequests() {
		add(raftcmdpb.KeyOf(r))
	}
	return others
}

// rangesOverlap tells whether two regions have keys in common.
func rangesOverlap(a, b *metapb.Region) bool {
	return (len(b.GetEndKey()) == 0 || bytes.Compare(a.GetStartKey(), b.GetEndKey()) < 0) &&
		(len(a.GetEndKey()) == 0 || bytes.Compare(b.GetStartKey(), a.GetEndKey()) < 0)
}

// inRegion tells whether a key lies in a region's range.
func inRegion(key []byte, region *metapb.Region) bool {
	return bytes.Compare(key, region.GetStartKey()) >= 0 &&
		(len(region.GetEndKey()) == 0 || bytes.Compare(key, region.GetEndKey()) < 0)
}

// refusal is the sentence of an answer that is an error; empty otherwise.
func refusal(resp *raftcmdpb.RaftCommandResponse) string {
	var e *errorpb.Error
	if e = resp.GetHeader().GetError(); e != nil {
		return e.GetMessage()
	}
	if c := resp.GetCompareFailed(); c != nil {
		return fmt.Sprintf("the compare of key %q did not hold", c.GetKey())
	}
	return ""
}
