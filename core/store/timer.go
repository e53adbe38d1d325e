package store

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// inside is a view into one RawNode's unexported raft struct. Raft v3.7 draws its election timeout from crypto/rand
// behind an unexported global and hides how much of it has elapsed; a deterministic run, and a viewer, need both. Only
// this file looks inside, and openInside refuses to start when a future raft has moved a field.
// See docs/decisions/election-timer.md.
type inside struct {
	term    *uint64
	vote    *uint64
	lead    *uint64
	state   *raft.StateType
	elapsed *int
	timeout *int
}

// timerWorks is the start-up self-test's verdict.
var timerWorks = sync.OnceValue(testTimer)

func openInside(rn *raft.RawNode) (view inside, err error) {
	field := reflect.ValueOf(rn).Elem().FieldByName("raft")
	if !field.IsValid() || field.Kind() != reflect.Pointer || field.Elem().Kind() != reflect.Struct {
		return view, errors.New("raft.RawNode has no field raft any more")
	}
	r := field.Elem()
	find := func(name string, want reflect.Type) unsafe.Pointer {
		f := r.FieldByName(name)
		if !f.IsValid() || f.Type() != want {
			err = fmt.Errorf("raft's field %s is gone or is no %s any more", name, want)
			return nil
		}
		return unsafe.Pointer(f.UnsafeAddr())
	}
	view = inside{
		term:    (*uint64)(find("Term", reflect.TypeFor[uint64]())),
		vote:    (*uint64)(find("Vote", reflect.TypeFor[uint64]())),
		lead:    (*uint64)(find("lead", reflect.TypeFor[uint64]())),
		state:   (*raft.StateType)(find("state", reflect.TypeFor[raft.StateType]())),
		elapsed: (*int)(find("electionElapsed", reflect.TypeFor[int]())),
		timeout: (*int)(find("randomizedElectionTimeout", reflect.TypeFor[int]())),
	}
	return view, err
}

// testTimer shows on a group of its own that a timeout set is the timeout that fires, and that elapsed counts ticks.
func testTimer() error {
	storage := raft.NewMemoryStorage()
	snapshot := &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{
		Index: new(uint64(1)), Term: new(uint64(1)), ConfState: &raftpb.ConfState{Voters: []uint64{1, 2}},
	}}
	if err := storage.ApplySnapshot(snapshot); err != nil {
		return err
	}
	rn, err := raft.NewRawNode(&raft.Config{
		ID: 1, ElectionTick: 10, HeartbeatTick: 1, Storage: storage, MaxSizePerMsg: 1, MaxInflightMsgs: 1, Logger: silent{},
	})
	if err != nil {
		return err
	}
	view, err := openInside(rn)
	if err != nil {
		return err
	}
	const timeout = 13
	*view.timeout = timeout
	for tick := 1; tick < timeout; tick++ {
		rn.Tick()
		if *view.state != raft.StateFollower || *view.elapsed != tick {
			return fmt.Errorf("election timer self-test: after %d of %d ticks raft is %s with %d elapsed",
				tick, timeout, *view.state, *view.elapsed)
		}
	}
	if rn.Tick(); *view.state != raft.StateCandidate || *view.term != 1 {
		return fmt.Errorf("election timer self-test: after %d ticks raft is %s of term %d, not candidate of term 1",
			timeout, *view.state, *view.term)
	}
	return nil
}

// silent is raft's logger here: what raft would log, observers see; what it panics about, panics.
type silent struct{}

func (silent) Debug(...any)            {}
func (silent) Debugf(string, ...any)   {}
func (silent) Error(...any)            {}
func (silent) Errorf(string, ...any)   {}
func (silent) Info(...any)             {}
func (silent) Infof(string, ...any)    {}
func (silent) Warning(...any)          {}
func (silent) Warningf(string, ...any) {}

func (silent) Fatal(v ...any)                 { panic(fmt.Sprint(v...)) }
func (silent) Fatalf(format string, v ...any) { panic(fmt.Sprintf(format, v...)) }
func (silent) Panic(v ...any)                 { panic(fmt.Sprint(v...)) }
func (silent) Panicf(format string, v ...any) { panic(fmt.Sprintf(format, v...)) }
