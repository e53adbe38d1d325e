package node

import (
	"slices"
	"testing"
)

func TestAQueueIsBoundedInItemsAndBytes(t *testing.T) {
	q := &queue[int]{itemsMax: 3, bytesMax: 10}
	for i, c := range []struct {
		bytes int
		want  entrance
	}{{20, entered}, {1, full}} { // what is too large for the queue enters when it is empty, and alone
		if got := q.enter(i, c.bytes); got != c.want {
			t.Errorf("item %d of %d bytes: %d, want %d", i, c.bytes, got, c.want)
		}
	}
	if got, more := q.take(nil, 10); !slices.Equal(got, []int{0}) || more {
		t.Errorf("it held %v, and more: %v", got, more)
	}
	for i := range 4 {
		want := entered
		if i == 3 {
			want = full
		}
		if got := q.enter(i, 2); got != want {
			t.Errorf("item %d: %d, want %d", i, got, want)
		}
	}
	if got, more := q.take(nil, 2); !slices.Equal(got, []int{0, 1}) || !more {
		t.Errorf("it gave %v, and more: %v", got, more)
	}
	for i := 10; i < 40; i++ { // what was taken makes room
		if got := q.enter(i, 2); got != entered {
			t.Fatalf("item %d does not enter", i)
		}
		q.take(nil, 1)
	}
	if got := q.close(); !slices.Equal(got, []int{39}) || q.enter(1, 1) != closed || q.len() != 0 {
		t.Errorf("closed, it held %v", got)
	}
}
