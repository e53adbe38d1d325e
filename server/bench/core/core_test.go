package main

import "testing"

func TestBareAndWholeMoveTheSameMessages(t *testing.T) {
	const commands = 200
	b, err := newBare()
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWhole(true)
	if err != nil {
		t.Fatal(err)
	}
	before := w.world.Counts().MessagesSent
	for range commands {
		if err := b.propose(commandBytes()); err != nil {
			t.Fatal(err)
		}
		if err := w.propose(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.verify(); err != nil {
		t.Error(err)
	}
	bare, whole := b.messages/commands, (w.world.Counts().MessagesSent-before)/commands
	if bare != 16 || whole < 16 || whole > 17 {
		t.Errorf("a command takes %d messages bare and %d in the store: they do not compare", bare, whole)
	}
	if len(w.recorder.bytes) == 0 {
		t.Error("nothing was recorded")
	}
}

func TestMedian(t *testing.T) {
	if got := median([]float64{9, 1, 5}); got != 5 {
		t.Errorf("of three: %v", got)
	}
	if got := median([]float64{4, 1, 2, 9}); got != 3 {
		t.Errorf("of four: %v", got)
	}
}
