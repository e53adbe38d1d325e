package sim

import (
	"fmt"

	sessionpb "raftplay/core/pb/sessionpb/v1"

	"raftplay/core/mirror"
	"raftplay/core/store"
)

// filter returns the first filter that a message fits, or nil.
func (w *World) filter(m *store.Message) *sessionpb.Filter {
	for _, f := range w.config.Filters {
		if fits(f, m) {
			return f
		}
	}
	return nil
}

func fits(f *sessionpb.Filter, m *store.Message) bool {
	return (f.FromStore == 0 || f.FromStore == m.FromStore) && (f.ToStore == 0 || f.ToStore == m.ToStore) &&
		(f.RegionId == 0 || f.RegionId == m.RegionID) && (f.Type == 0 || f.Type == mirror.MessageType(m))
}

func (w *World) setFilters(filters []*sessionpb.Filter) error {
	if err := validateFilters(filters, w.Stores()); err != nil {
		return err
	}
	w.configure(func(next *sessionpb.Config) { next.Filters = filters })
	return nil
}

// validateFilters says in one sentence what is wrong with filters in a cluster of so many stores, or nil.
func validateFilters(filters []*sessionpb.Filter, stores int) error {
	if n := len(filters); n > filtersMax {
		return fmt.Errorf("a network has at most %d filters, not %d", filtersMax, n)
	}
	for i, f := range filters {
		if err := validateFilter(f, stores); err != nil {
			return fmt.Errorf("filter %d: %w", i+1, err)
		}
	}
	return nil
}

func validateFilter(f *sessionpb.Filter, stores int) error {
	for _, id := range []uint64{f.GetFromStore(), f.GetToStore()} {
		if id == 0 {
			continue
		}
		if err := validateStore(id, stores); err != nil {
			return err
		}
	}
	if from := f.GetFromStore(); from != 0 && from == f.GetToStore() {
		return fmt.Errorf("there is no link from S%d to itself", from)
	}
	if _, known := sessionpb.MessageType_name[int32(f.GetType())]; !known {
		return fmt.Errorf("there are no messages of type %d", f.GetType())
	}
	switch f.GetDeed() {
	case sessionpb.FilterDeed_FILTER_DEED_DELAY:
		return within("its delay", f.GetDelayMicros(), 1, delayMicrosMax)
	case sessionpb.FilterDeed_FILTER_DEED_LOSE, sessionpb.FilterDeed_FILTER_DEED_HOLD,
		sessionpb.FilterDeed_FILTER_DEED_DUPLICATE:
		return nil
	case sessionpb.FilterDeed_FILTER_DEED_UNSPECIFIED:
		return fmt.Errorf("it does nothing to what it matches")
	}
	return fmt.Errorf("there is no deed %d", f.GetDeed())
}
