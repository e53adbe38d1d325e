package sim_test

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// fold is a cluster as its events tell it: what any viewer does. It must come to what a keyframe says, except for the
// election timers between ticks and the votes on their way, which viewers learn from ticks and messages.
type fold struct {
	stores     []*sessionpb.StoreState
	messages   map[uint64]*sessionpb.Message
	operations map[uint64]*sessionpb.Operation
	config     *sessionpb.Config
}

func (f *fold) Event(e *sessionpb.Event) {
	switch b := e.Body.(type) {
	case *sessionpb.Event_RunStarted:
		f.config = proto.Clone(b.RunStarted.Config).(*sessionpb.Config)
		for _, s := range b.RunStarted.Stores {
			f.stores = append(f.stores, proto.Clone(s).(*sessionpb.StoreState))
		}
	case *sessionpb.Event_MessageSent:
		f.messages[b.MessageSent.Message.Id] = b.MessageSent.Message
	case *sessionpb.Event_MessageDelivered:
		delete(f.messages, b.MessageDelivered.Id)
	case *sessionpb.Event_MessageLost:
		delete(f.messages, b.MessageLost.Id)
	case *sessionpb.Event_OperationStarted:
		f.operations[b.OperationStarted.Operation.Id] = b.OperationStarted.Operation
	case *sessionpb.Event_OperationEnded:
		op := proto.Clone(f.operations[b.OperationEnded.Id]).(*sessionpb.Operation)
		op.Response, op.EndedMicros = b.OperationEnded.Response, e.TimeMicros
		f.operations[op.Id] = op
	case *sessionpb.Event_SettingsChanged:
		f.config.Network, f.config.Disk = b.SettingsChanged.Network, b.SettingsChanged.Disk
	case *sessionpb.Event_StoreStarted:
		f.stores[e.StoreId-1] = proto.Clone(b.StoreStarted.Store).(*sessionpb.StoreState)
	case *sessionpb.Event_StoreCrashed:
		f.stores[e.StoreId-1] = proto.Clone(b.StoreCrashed.Store).(*sessionpb.StoreState)
	default:
		f.inStore(f.stores[max(e.StoreId, 1)-1], e)
	}
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
			i := slices.IndexFunc(p.Progress, func(have *raftcmdpb.PeerProgress) bool { return have.PeerId == changed.PeerId })
			if i < 0 {
				p.Progress = append(p.Progress, changed)
			} else {
				p.Progress[i] = changed
			}
		}
	case *sessionpb.Event_WriteStarted:
		s.Writes = append(s.Writes, b.WriteStarted)
		for _, w := range b.WriteStarted.Peers {
			if p := peerOf(s, w.RegionId); len(w.Entries) > 0 {
				p.Entries = append(p.Entries[:w.FirstIndex-p.FirstIndex], w.Entries...)
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
	}
}

func peerOf(s *sessionpb.StoreState, regionID uint64) *sessionpb.PeerState {
	i := slices.IndexFunc(s.Peers, func(p *sessionpb.PeerState) bool { return p.GetRegion().GetId() == regionID })
	return s.Peers[i]
}

// differs compares with a keyframe and tells the first difference, or "".
func (f *fold) differs(k *sessionpb.Keyframe) string {
	if !proto.Equal(f.config, k.Config) {
		return fmt.Sprintf("configuration %v, want %v", f.config, k.Config)
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
			p.Timer, p.Votes = nil, nil
		}
		if !proto.Equal(got, want) {
			return fmt.Sprintf("S%d is\n%v\nwant\n%v", want.Id, got, want)
		}
	}
	return ""
}

func TestEventsFoldToTheKeyframe(t *testing.T) {
	for seed := uint64(20); seed < 25; seed++ {
		f := &fold{messages: map[uint64]*sessionpb.Message{}, operations: map[uint64]*sessionpb.Operation{}}
		p, err := sim.NewPlayer(sim.Exercise(seed), f)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; ; i++ {
			more, err := p.Next()
			if err != nil {
				t.Fatal(err)
			}
			if i%17 == 0 || !more {
				if what := f.differs(p.World.Keyframe()); what != "" {
					t.Fatalf("exercise %d after step %d: %s", seed, p.World.Steps(), what)
				}
			}
			if !more {
				break
			}
		}
	}
}

func TestAKeyframeIsTheSameWatchedOrNot(t *testing.T) {
	run := sim.Exercise(9)
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
