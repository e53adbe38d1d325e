package sim_test

import (
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/check"
	"raftplay/core/sim"
)

// A client that keeps some commands under way; messages a second of real time is the figure to look at.
func benchmarkCommands(b *testing.B, observers ...sim.Observer) {
	w, err := sim.New(sim.DefaultConfig(), observers...)
	if err != nil {
		b.Fatal(err)
	}
	w.RunUntil(5_000_000)
	put := &sessionpb.Action{Action: &sessionpb.Action_Propose{Propose: &sessionpb.Propose{
		Request: &raftcmdpb.RaftCommandRequest{Requests: []*raftcmdpb.Request{{Request: &raftcmdpb.Request_Put{
			Put: &raftcmdpb.PutRequest{Key: []byte("key"), Value: []byte("value")}}}}}}}}
	before := w.Counts()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := w.Act(put); err != nil {
			b.Fatal(err)
		}
		w.RunWhile(w.Now()+10_000_000, func() bool {
			c := w.Counts()
			return c.OperationsStarted-c.OperationsEnded >= 1
		})
	}
	b.StopTimer()
	messages := w.Counts().MessagesSent - before.MessagesSent
	b.ReportMetric(float64(messages)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(messages)/float64(b.N), "messages/op")
}

func BenchmarkUnobserved(b *testing.B) { benchmarkCommands(b) }

func BenchmarkJudged(b *testing.B) {
	benchmarkCommands(b, check.New(func(v *sessionpb.Violation) { b.Error(v) }))
}

func BenchmarkHashed(b *testing.B) { benchmarkCommands(b, sim.NewHasher()) }

func BenchmarkIdleMinute(b *testing.B) {
	for range b.N {
		w, err := sim.New(sim.DefaultConfig())
		if err != nil {
			b.Fatal(err)
		}
		w.RunUntil(60_000_000)
	}
}
