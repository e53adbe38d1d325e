package sim

import (
	"slices"
	"testing"
)

func TestTheAgendaIsInOrderOfTimeThenOfAdding(t *testing.T) {
	draw := newStream(1, "agenda test")
	var a agenda
	var want []item
	for range 5_000 {
		switch draw.below(5) {
		case 0:
			if first := a.first(); first != nil {
				got := a.pop()
				if got != want[0] {
					t.Fatalf("popped %+v, want %+v", got, want[0])
				}
				want = want[1:]
			}
		case 1:
			if draw.oneIn(40) {
				store := uint32(draw.below(4))
				a.remove(func(it *item) bool { return it.store == store })
				want = slices.DeleteFunc(want, func(it item) bool { return it.store == store })
			}
		default:
			it := item{due: int64(draw.below(50)), deed: deedTick, store: uint32(draw.below(4))}
			a.add(it)
			it.order = a.order
			at := slices.IndexFunc(want, func(other item) bool { return it.before(&other) })
			if at < 0 {
				at = len(want)
			}
			want = slices.Insert(want, at, it)
		}
		if len(a.heap) != len(want) {
			t.Fatalf("%d items, want %d", len(a.heap), len(want))
		}
	}
}
