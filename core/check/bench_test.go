package check

import (
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
	"raftplay/core/sim"
)

// nobody is an observer that looks at nothing: what is left is the price of making the events.
type nobody struct{}

func (nobody) Event(*sessionpb.Event) {}

// benchmarkPuts measures one command after the other on the page's cluster. Against the same unobserved and merely
// observed the judges' own price shows.
func benchmarkPuts(b *testing.B, cfg *sessionpb.Config, observers ...sim.Observer) {
	w, err := sim.New(cfg, observers...)
	if err != nil {
		b.Fatal(err)
	}
	if !w.RunWhile(30_000_000, func() bool { return w.Leader() == 0 }) {
		b.Fatal("no leader")
	}
	put := &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
		Request: &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Put{
			Put: &raftcmdpb.PutRequest{Key: []byte("key"), Value: []byte("value")}}}}}}}}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		before := w.Counts().OperationsEnded
		if _, err := w.Act(put); err != nil {
			b.Fatal(err)
		}
		if !w.RunWhile(w.Now()+10_000_000, func() bool { return w.Counts().OperationsEnded == before }) {
			b.Fatal("no answer")
		}
	}
}

// quick has a network and a disk without waits to speak of: a command takes no ticks then.
func quick() *sessionpb.Config {
	cfg := sim.DefaultConfig()
	cfg.Network = &sessionpb.Network{LatencyMicros: sim.Limits().GetLatencyMicrosMin()}
	cfg.Disk = &sessionpb.Disk{}
	return cfg
}

func BenchmarkPutUnobserved(b *testing.B) { benchmarkPuts(b, quick()) }

func BenchmarkPutObserved(b *testing.B) { benchmarkPuts(b, quick(), nobody{}) }

func BenchmarkPutJudged(b *testing.B) {
	benchmarkPuts(b, quick(), New(func(v *sessionpb.Violation) { b.Error(v) }))
}

func benchmarkExercises(b *testing.B, observers func() []sim.Observer) {
	b.ReportAllocs()
	for i := range b.N {
		if _, err := sim.Play(sim.ExerciseRegions(uint64(i%40)+1), observers()...); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExerciseUnobserved(b *testing.B) {
	benchmarkExercises(b, func() []sim.Observer { return nil })
}

func BenchmarkExerciseObserved(b *testing.B) {
	benchmarkExercises(b, func() []sim.Observer { return []sim.Observer{nobody{}} })
}

func BenchmarkExerciseJudged(b *testing.B) {
	benchmarkExercises(b, func() []sim.Observer {
		return []sim.Observer{New(func(v *sessionpb.Violation) { b.Error(v) })}
	})
}
