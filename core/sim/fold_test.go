package sim_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	metapb "raftplay/core/pb/metapb/v1"
	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// fold is a cluster as its events tell it: what any viewer does. It must come to what a keyframe says, except for the
// election timers between ticks and the votes on their way, which viewers learn from ticks and messages, and for leases and
// sizes, which only a keyframe tells.
type fold struct {
	stores     []*sessionpb.StoreState
	messages   map[uint64]*sessionpb.Message
	operations map[uint64]*sessionpb.Operation
	ended      []uint64
	config     *sessionpb.Config
	modelLeft  []string
	clocks     map[uint64]*clockAsTold
	// told counts the events of each kind.
	told map[string]int
}

func newFold() *fold {
	return &fold{
		messages: map[uint64]*sessionpb.Message{}, operations: map[uint64]*sessionpb.Operation{}, told: map[string]int{},
		clocks: map[uint64]*clockAsTold{},
	}
}

func (f *fold) Event(e *sessionpb.Event) {
	f.told[fmt.Sprintf("%T", e.Body)]++
	switch b := e.Body.(type) {
	case *sessionpb.Event_RunStarted:
		f.config = proto.Clone(b.RunStarted.Config).(*sessionpb.Config)
		for _, s := range b.RunStarted.Stores {
			f.stores = append(f.stores, proto.Clone(s).(*sessionpb.StoreState))
		}
		for _, own := range f.config.Clocks {
			f.clocks[own.StoreId] = &clockAsTold{rate: int64(own.Clock.RatePpm)}
		}
	case *sessionpb.Event_MessageSent:
		f.messages[b.MessageSent.Message.Id] = b.MessageSent.Message
	case *sessionpb.Event_MessageDelivered:
		delete(f.messages, b.MessageDelivered.Id)
	case *sessionpb.Event_MessageLost:
		delete(f.messages, b.MessageLost.Id)
	case *sessionpb.Event_MessageHeld:
		f.message(b.MessageHeld.Id).Held = b.MessageHeld.Reason
	case *sessionpb.Event_MessageRescheduled:
		m := f.message(b.MessageRescheduled.Id)
		m.Held, m.DueMicros = sessionpb.HoldReason_HOLD_REASON_UNSPECIFIED, b.MessageRescheduled.DueMicros
	case *sessionpb.Event_OperationStarted:
		f.operations[b.OperationStarted.Operation.Id] = b.OperationStarted.Operation
	case *sessionpb.Event_OperationEnded:
		op := proto.Clone(f.operations[b.OperationEnded.Id]).(*sessionpb.Operation)
		op.Response, op.EndedMicros = b.OperationEnded.Response, e.TimeMicros
		f.operations[op.Id] = op
		if f.ended = append(f.ended, op.Id); len(f.ended) > 100 {
			delete(f.operations, f.ended[0])
			f.ended = f.ended[1:]
		}
	case *sessionpb.Event_SettingsChanged:
		now := b.SettingsChanged
		f.config.Network, f.config.Links, f.config.Filters = now.Network, now.Links, now.Filters
		f.config.Disk, f.config.Disks, f.config.Workloads = now.Disk, now.Disks, now.Workloads
	case *sessionpb.Event_StoreStarted:
		f.stores[e.StoreId-1] = proto.Clone(b.StoreStarted.Store).(*sessionpb.StoreState)
	case *sessionpb.Event_StoreCrashed:
		f.stores[e.StoreId-1] = proto.Clone(b.StoreCrashed.Store).(*sessionpb.StoreState)
	case *sessionpb.Event_StoreStopped:
		f.stores[e.StoreId-1] = proto.Clone(b.StoreStopped.Store).(*sessionpb.StoreState)
	case *sessionpb.Event_StoreAdded:
		f.stores = append(f.stores, proto.Clone(b.StoreAdded.Store).(*sessionpb.StoreState))
	default:
		if !f.inFaults(e) {
			f.inStore(f.stores[max(e.StoreId, 1)-1], e)
		}
	}
}

// message is one in flight, to be changed: an event's own is nobody's to write.
func (f *fold) message(id uint64) *sessionpb.Message {
	m := proto.Clone(f.messages[id]).(*sessionpb.Message)
	f.messages[id] = m
	return m
}

func (f *fold) inStore(s *sessionpb.StoreState, e *sessionpb.Event) {
	switch b := e.Body.(type) {
	case *sessionpb.Event_RoleChanged:
		p := peerOf(s, b.RoleChanged.RegionId)
		p.Role, p.Term, p.Vote, p.Leader = b.RoleChanged.Role, b.RoleChanged.Term, b.RoleChanged.Vote, b.RoleChanged.Leader
		if p.Role != sessionpb.Role_ROLE_LEADER {
			p.Progress = nil
		}
	case *sessionpb.Event_ProgressChanged:
		p := peerOf(s, b.ProgressChanged.RegionId)
		for _, changed := range b.ProgressChanged.Progress {
			i, found := slices.BinarySearchFunc(p.Progress, changed.PeerId, func(have *raftcmdpb.PeerProgress, id uint64) int {
				return cmp.Compare(have.PeerId, id)
			})
			if found {
				p.Progress[i] = changed
			} else {
				p.Progress = slices.Insert(p.Progress, i, changed)
			}
		}
	case *sessionpb.Event_WriteStarted:
		s.Writes = append(s.Writes, b.WriteStarted)
		for _, w := range b.WriteStarted.Peers {
			if p := peerOf(s, w.RegionId); len(w.Entries) > 0 {
				// A compaction in the same turn may have been told already.
				first := max(w.FirstIndex, p.FirstIndex)
				kept := w.Entries[min(first-w.FirstIndex, uint64(len(w.Entries))):]
				p.Entries = append(p.Entries[:first-p.FirstIndex:first-p.FirstIndex], kept...)
				p.LastIndex, p.SyncedIndex = w.LastIndex, min(p.SyncedIndex, w.FirstIndex-1)
			}
		}
	case *sessionpb.Event_Written:
		if s.Writes[0].MustSync {
			s.WrittenIds = append(s.WrittenIds, b.Written.WriteId)
		} else {
			s.Writes = s.Writes[1:]
		}
	case *sessionpb.Event_Synced:
		for _, w := range s.Writes[0].Peers {
			peerOf(s, w.RegionId).SyncedIndex = w.LastIndex
		}
		s.Writes, s.WrittenIds = s.Writes[1:], s.WrittenIds[1:]
	case *sessionpb.Event_Committed:
		peerOf(s, b.Committed.RegionId).Commit = b.Committed.Index
	case *sessionpb.Event_Applied:
		p := peerOf(s, b.Applied.RegionId)
		p.Applied = b.Applied.Index
		for _, change := range b.Applied.Changes {
			i, found := slices.BinarySearchFunc(p.Keys, change, func(a, b *sessionpb.KeyChange) int { return slices.Compare(a.Key, b.Key) })
			if found {
				p.Keys = slices.Delete(p.Keys, i, i+1)
			}
			if !change.Deleted {
				p.Keys = slices.Insert(p.Keys, i, change)
			}
		}
		p.KeysTotal = uint64(len(p.Keys))
	default:
		f.inRegions(s, e)
	}
}

// inRegions follows the peers as they come, change and go.
func (f *fold) inRegions(s *sessionpb.StoreState, e *sessionpb.Event) {
	switch b := e.Body.(type) {
	case *sessionpb.Event_PeerCreated:
		setPeer(s, b.PeerCreated.Peer)
	case *sessionpb.Event_SnapshotRestored:
		setPeer(s, b.SnapshotRestored.Peer)
	case *sessionpb.Event_PeerDestroyed:
		i, _ := placeOf(s, b.PeerDestroyed.RegionId)
		s.Peers = slices.Delete(s.Peers, i, i+1)
		// What is on the disk of it is nobody's any more.
		for i, w := range s.Writes {
			w = proto.Clone(w).(*sessionpb.WriteStarted)
			w.Peers = slices.DeleteFunc(w.Peers, func(p *sessionpb.PeerWrite) bool { return p.RegionId == b.PeerDestroyed.RegionId })
			s.Writes[i] = w
		}
	case *sessionpb.Event_RegionChanged:
		p, region := peerOf(s, b.RegionChanged.Region.Id), b.RegionChanged.Region
		p.Region = region
		p.Keys = slices.DeleteFunc(p.Keys, func(k *sessionpb.KeyChange) bool {
			return len(region.EndKey) > 0 && slices.Compare(k.Key, region.EndKey) >= 0
		})
		p.KeysTotal = uint64(len(p.Keys))
		p.Progress = slices.DeleteFunc(p.Progress, func(of *raftcmdpb.PeerProgress) bool {
			return !slices.ContainsFunc(region.Peers, func(member *metapb.Peer) bool { return member.Id == of.PeerId })
		})
	case *sessionpb.Event_LogCompacted:
		p := peerOf(s, b.LogCompacted.RegionId)
		p.Entries = p.Entries[min(b.LogCompacted.FirstIndex-p.FirstIndex, uint64(len(p.Entries))):]
		p.FirstIndex = b.LogCompacted.FirstIndex
	case *sessionpb.Event_SnapshotProgress:
		i := slices.IndexFunc(s.Snapshots, func(have *sessionpb.SnapshotProgress) bool {
			return have.SnapshotId == b.SnapshotProgress.SnapshotId
		})
		if i < 0 {
			i, s.Snapshots = len(s.Snapshots), append(s.Snapshots, nil)
		}
		s.Snapshots[i] = b.SnapshotProgress
		if b.SnapshotProgress.Stage >= sessionpb.SnapshotStage_SNAPSHOT_STAGE_DONE {
			s.Snapshots = slices.Delete(s.Snapshots, i, i+1)
		}
	}
}

func placeOf(s *sessionpb.StoreState, regionID uint64) (int, bool) {
	return slices.BinarySearchFunc(s.Peers, regionID, func(p *sessionpb.PeerState, id uint64) int {
		return cmp.Compare(p.GetRegion().GetId(), id)
	})
}

func peerOf(s *sessionpb.StoreState, regionID uint64) *sessionpb.PeerState {
	i, found := placeOf(s, regionID)
	if !found {
		panic(fmt.Sprintf("S%d has no peer of region %d", s.Id, regionID))
	}
	return s.Peers[i]
}

// setPeer puts a peer in its place, instead of the region's earlier one if there is one.
func setPeer(s *sessionpb.StoreState, given *sessionpb.PeerState) {
	i, found := placeOf(s, given.GetRegion().GetId())
	if !found {
		s.Peers = slices.Insert(s.Peers, i, nil)
	}
	s.Peers[i] = proto.Clone(given).(*sessionpb.PeerState)
}

// differs compares with a keyframe and tells the first difference, or "".
func (f *fold) differs(k *sessionpb.Keyframe) string {
	if !proto.Equal(f.config, k.Config) {
		return fmt.Sprintf("configuration %v, want %v", f.config, k.Config)
	}
	if !slices.Equal(f.modelLeft, k.ModelLeft) {
		return fmt.Sprintf("outside of the model for %q, want %q", f.modelLeft, k.ModelLeft)
	}
	if len(f.messages) != len(k.Messages) || len(f.operations) != len(k.Operations) {
		return fmt.Sprintf("%d messages and %d operations, want %d and %d",
			len(f.messages), len(f.operations), len(k.Messages), len(k.Operations))
	}
	for _, m := range k.Messages {
		if !proto.Equal(m, f.messages[m.Id]) {
			return fmt.Sprintf("message %v, want %v", f.messages[m.Id], m)
		}
	}
	for _, op := range k.Operations {
		if !proto.Equal(op, f.operations[op.Id]) {
			return fmt.Sprintf("operation %v, want %v", f.operations[op.Id], op)
		}
	}
	for i, want := range k.Stores {
		got := proto.Clone(f.stores[i]).(*sessionpb.StoreState)
		for _, p := range append(slices.Clone(got.Peers), want.Peers...) {
			p.Timer, p.Votes, p.LeaseUntilMicros, p.SizeBytes = nil, nil, 0, 0
		}
		got.LocalMicros = f.clocks[want.Id].shows(k.TimeMicros)
		if !proto.Equal(got, want) {
			return fmt.Sprintf("S%d is\n%v\nwant\n%v", want.Id, got, want)
		}
	}
	return ""
}

func TestEventsFoldToTheKeyframe(t *testing.T) {
	for seed := uint64(20); seed < 25; seed++ {
		foldsToKeyframes(t, fmt.Sprintf("exercise %d", seed), sim.Exercise(seed))
	}
}

// foldsToKeyframes plays a run and compares the fold of its events with keyframes on the way. It returns how many events
// of each kind were told.
func foldsToKeyframes(t *testing.T, name string, run *sessionpb.Run) map[string]int {
	t.Helper()
	f := newFold()
	p, err := sim.NewPlayer(run, f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for i := 0; ; i++ {
		more, err := p.Next()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if i%17 == 0 || !more {
			if what := f.differs(p.World.Keyframe()); what != "" {
				t.Fatalf("%s after step %d: %s", name, p.World.Steps(), what)
			}
		}
		if !more {
			return f.told
		}
	}
}

func TestAKeyframeIsTheSameWatchedOrNot(t *testing.T) {
	sameWatchedOrNot(t, sim.Exercise(9))
}

func sameWatchedOrNot(t *testing.T, run *sessionpb.Run) {
	t.Helper()
	watched, err := sim.Play(run, &recording{})
	if err != nil {
		t.Fatal(err)
	}
	unwatched, err := sim.Play(run)
	if err != nil {
		t.Fatal(err)
	}
	unwatched.SetSeq(watched.Seq())
	if a, b := watched.Keyframe(), unwatched.Keyframe(); !proto.Equal(a, b) {
		t.Errorf("watched\n%v\nunwatched\n%v", a, b)
	}
}
