package sim_test

import (
	"testing"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

func setFilters(filters ...*sessionpb.Filter) *sessionpb.Action {
	return &sessionpb.Action{Action: &sessionpb.Action_SetFilters{SetFilters: &sessionpb.SetFilters{Filters: filters}}}
}

func TestAFilterLosesMessagesOfAKind(t *testing.T) {
	var seen recording
	w, leader, deaf := leaderAndFollower(t, &seen)
	act(t, w, useNetwork(&sessionpb.Network{LatencyMicros: 20_000, DuplicatePpm: 500_000}))
	act(t, w, setFilters(&sessionpb.Filter{
		FromStore: deaf, Type: sessionpb.MessageType_MESSAGE_TYPE_APPEND_RESPONSE, Deed: sessionpb.FilterDeed_FILTER_DEED_LOSE}))
	from := len(seen)
	for range 5 {
		act(t, w, put(leader, "key", "value"))
		w.RunUntil(w.Now() + 200_000)
	}
	sent, _ := trips(seen[from:], deaf, leader)
	hit, copies := 0, 0
	for _, m := range sent {
		is := m.Type == sessionpb.MessageType_MESSAGE_TYPE_APPEND_RESPONSE
		if is != m.Doomed || is && m.ended >= 0 && m.loss != sessionpb.LossReason_LOSS_REASON_FILTER || !is && m.loss != 0 {
			t.Errorf("message %+v", m)
		}
		if is {
			hit++
		}
		if is && m.CopyOf != 0 {
			copies++
		}
	}
	if hit == 0 || hit == len(sent) || copies == 0 {
		t.Errorf("%d of %d messages are lost, %d copies among them", hit, len(sent), copies)
	}
	// The others form a majority.
	if keys := w.Keyframe().Stores[leader-1].Peers[0].Keys; len(keys) != 1 {
		t.Errorf("the leader holds %v", keys)
	}
}

func TestOfSeveralFiltersTheFirstCounts(t *testing.T) {
	var seen recording
	w, leader, follower := leaderAndFollower(t, &seen)
	act(t, w, useNetwork(&sessionpb.Network{LatencyMicros: 20_000}))
	w.RunUntil(w.Now() + 500_000)
	act(t, w, setFilters(
		&sessionpb.Filter{ToStore: follower, RegionId: 2, Deed: sessionpb.FilterDeed_FILTER_DEED_LOSE},
		&sessionpb.Filter{ToStore: follower, RegionId: 1, Deed: sessionpb.FilterDeed_FILTER_DEED_DELAY, DelayMicros: 30_000},
		&sessionpb.Filter{Deed: sessionpb.FilterDeed_FILTER_DEED_DUPLICATE},
	))
	from := len(seen)
	w.RunUntil(w.Now() + 1_000_000)
	sent, ends := trips(seen[from:], leader, follower)
	for i, m := range sent {
		if m.RegionId != 1 {
			continue
		}
		if m.DueMicros != m.SentMicros+50_000 || m.CopyOf != 0 || m.Doomed {
			t.Errorf("message %v, want it delayed by 30 ms", m)
		}
		if i < len(ends) && ends[i] != m {
			t.Errorf("message %d is not number %d to arrive", m.Id, i+1)
		}
	}
	back, _ := trips(seen[from:], follower, leader)
	if len(sent) == 0 || len(back) == 0 || len(back)%2 != 0 {
		t.Fatalf("%d messages there, %d back", len(sent), len(back))
	}
	for i := 0; i < len(back); i += 2 {
		if back[i].CopyOf != 0 || back[i+1].CopyOf != back[i].Id || back[i+1].DueMicros-back[i+1].SentMicros != 20_000 {
			t.Errorf("message %v is followed by %v, want a copy", back[i], back[i+1])
		}
	}
}

func TestAFilterHoldsMessagesUntilTheyAreReleased(t *testing.T) {
	var seen recording
	w, leader, follower := leaderAndFollower(t, &seen)
	act(t, w, useNetwork(&sessionpb.Network{LatencyMicros: 20_000}))
	act(t, w, setFilters(&sessionpb.Filter{
		ToStore: follower, Type: sessionpb.MessageType_MESSAGE_TYPE_HEARTBEAT, Deed: sessionpb.FilterDeed_FILTER_DEED_HOLD}))
	m := firstInFlight(t, w, func(m *sessionpb.Message) bool { return m.ToStore == follower && m.Held != 0 })
	if m.Held != sessionpb.HoldReason_HOLD_REASON_FILTER || m.FromStore != leader ||
		m.Type != sessionpb.MessageType_MESSAGE_TYPE_HEARTBEAT {
		t.Fatalf("held: %v", m)
	}
	act(t, w, setFilters())
	w.RunUntil(w.Now() + 200_000)
	act(t, w, release(m.Id))
	if r := seen[len(seen)-1].GetMessageRescheduled(); r.GetId() != m.Id || r.GetDueMicros() != w.Now()+20_000 {
		t.Fatalf("released: %v, want that it takes its whole latency", seen[len(seen)-1])
	}
	w.RunUntil(w.Now() + 20_000)
	sent, _ := trips(seen, leader, follower)
	for _, s := range sent {
		if s.Id == m.Id && (!s.delivered || s.ended != w.Now()) {
			t.Errorf("it ends as %+v", s)
		}
	}
}
