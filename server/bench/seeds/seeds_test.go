package main

import "testing"

func TestSeedsGiveTheirOwnHashes(t *testing.T) {
	first, err := hashOf(7)
	if err != nil {
		t.Fatal(err)
	}
	again, err := hashOf(7)
	if err != nil || again != first {
		t.Errorf("seed 7 gave %s, then %s, error %v", first, again, err)
	}
	if other, err := hashOf(8); err != nil || other == first {
		t.Errorf("seed 8 gave %s like seed 7, error %v", other, err)
	}
}

func TestArgumentsAreTwoSeeds(t *testing.T) {
	for _, args := range [][]string{nil, {"1"}, {"1", "x"}, {"x", "1"}, {"2", "1"}, {"1", "2", "3"}, {"-1", "2"}} {
		if _, _, err := arguments(args); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
	if first, last, err := arguments([]string{"3", "18446744073709551615"}); first != 3 || last != 1<<64-1 || err != nil {
		t.Errorf("got %d, %d, %v", first, last, err)
	}
}
