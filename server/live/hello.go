package live

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// What a store accepts, by its defaults (tested against core/store's).
const (
	keyBytesMax   = 4 << 10
	valueBytesMax = 1 << 20
	requestsMax   = 128
)

// greetAnew makes the hello anew and counts it when it says something else. The caller holds the mutex.
func (w *watch) greetAnew() {
	if hello := w.greeting(); !proto.Equal(hello, w.hello) {
		w.hello = hello
		w.hellos++
		w.note()
	}
}

// greeting is the hello as every viewer is told it, without role and capabilities.
func (w *watch) greeting() *sessionpb.Hello {
	cluster := &sessionpb.LiveCluster{Embedded: w.g.cfg.Embedded}
	raft := &sessionpb.RaftOptions{}
	for id, c := range w.contacts {
		cluster.Stores = append(cluster.Stores, &sessionpb.LiveStore{StoreId: id, Address: c.address, Version: c.version})
		if c.hello == nil {
			continue
		}
		cluster.ClusterId = c.hello.GetClusterId()
		if t := c.hello.GetTiming(); t != nil {
			raft = &sessionpb.RaftOptions{
				BaseTickMicros: t.GetBaseTickMicros(), HeartbeatTicks: t.GetHeartbeatTicks(), ElectionTicksMin: t.GetElectionTicksMin(),
				PreVote: t.GetPreVote(), CheckQuorum: t.GetCheckQuorum(), LeaseReads: t.GetLeaseReads(),
			}
		}
	}
	if before := w.hello; before != nil {
		// What was known stays known while nobody is reached.
		cluster.ClusterId = cmp.Or(cluster.ClusterId, before.GetLive().GetClusterId())
		if raft.GetBaseTickMicros() == 0 {
			raft = before.GetConfigDefault().GetRaft()
		}
	}
	slices.SortFunc(cluster.Stores, func(a, b *sessionpb.LiveStore) int { return cmp.Compare(a.GetStoreId(), b.GetStoreId()) })
	return &sessionpb.Hello{
		ProtocolVersion: ProtocolVersion, SourceKind: sessionpb.SourceKind_SOURCE_KIND_LIVE, Version: w.g.cfg.Version,
		ConfigDefault: &sessionpb.Config{
			Stores: uint32(len(cluster.Stores)), Raft: raft, Network: &sessionpb.Network{}, Disk: &sessionpb.Disk{},
			ClientTimeoutMicros: w.g.limits.CommandWait.Microseconds(),
		},
		Limits: &sessionpb.Limits{
			StoresMax: uint32(w.g.limits.StoresMax), KeyBytesMax: keyBytesMax, ValueBytesMax: valueBytesMax, RequestsMax: requestsMax,
		},
		Live: cluster,
	}
}

// helloTo is a hello as a viewer of that role is told it.
func helloTo(given *sessionpb.Hello, role sessionpb.ViewerRole, operator bool) *sessionpb.Hello {
	hello := &sessionpb.Hello{}
	shallow(given, hello)
	hello.Live = &sessionpb.LiveCluster{}
	shallow(given.GetLive(), hello.Live)
	hello.Live.Role = role
	hello.Capabilities = []sessionpb.Capability{sessionpb.Capability_CAPABILITY_RECORD, sessionpb.Capability_CAPABILITY_NARROW}
	if role == sessionpb.ViewerRole_VIEWER_ROLE_OPERATOR {
		hello.Capabilities = append(hello.Capabilities,
			sessionpb.Capability_CAPABILITY_PROPOSE, sessionpb.Capability_CAPABILITY_CHANGE_REGIONS)
		if operator {
			hello.Capabilities = append(hello.Capabilities,
				sessionpb.Capability_CAPABILITY_CRASH_STORES, sessionpb.Capability_CAPABILITY_CHANGE_LINKS)
		}
	}
	return hello
}
