package live

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// deed makes an action ready that only an Operator can do, or says why it cannot be done.
func (g *Gateway) deed(w *watch, a *sessionpb.Action) (func() error, error) {
	if a.GetAction() == nil {
		return nil, errors.New("the action is empty")
	}
	if why := impossible(a); why != "" {
		return nil, errors.New(why)
	}
	if g.cfg.Operator == nil {
		return nil, errors.New("only a cluster inside of the server that shows it is operated from here: this one runs elsewhere")
	}
	switch b := a.GetAction().(type) {
	case *sessionpb.Action_CrashStore:
		return g.one(func() error { return g.cfg.Operator.Crash(b.CrashStore.GetStoreId()) }), nil
	case *sessionpb.Action_RestartStore:
		return g.one(func() error { return g.cfg.Operator.Restart(b.RestartStore.GetStoreId()) }), nil
	case *sessionpb.Action_SetLinks:
		return g.one(func() error { return g.cut(w, b.SetLinks.GetLinks()) }), nil
	case *sessionpb.Action_Partition:
		links, err := sides(b.Partition, w.storeIDs())
		return g.one(func() error { return g.cut(w, links) }), err
	case *sessionpb.Action_Heal:
		return g.one(func() error { return g.heal(w, b.Heal.GetStoreIds()) }), nil
	}
	return nil, errors.New("this version does not know the action")
}

// one has the cluster operated by one hand at a time.
func (g *Gateway) one(do func() error) func() error {
	return func() error {
		g.operating.Lock()
		defer g.operating.Unlock()
		return do()
	}
}

// impossible says why no live cluster does an action, or "".
func impossible(a *sessionpb.Action) string {
	switch b := a.GetAction().(type) {
	case *sessionpb.Action_CrashStore:
		if b.CrashStore.GetMoment() != 0 || b.CrashStore.GetKeeps() != 0 {
			return "a live store crashes now, and its disk keeps what it keeps"
		}
	case *sessionpb.Action_RestartStore:
		if b.RestartStore.GetWiped() {
			return "a live store's disk is not wiped from here"
		}
	case *sessionpb.Action_SetLinks:
		for _, l := range b.SetLinks.GetLinks() {
			if l.GetClogged() || l.GetNetwork() != nil {
				return "a live link can be cut and mended, and nothing else"
			}
		}
	case *sessionpb.Action_Partition, *sessionpb.Action_Heal:
	case *sessionpb.Action_AddStore:
		return "a live store is started where it is to run: see raftplay store"
	case *sessionpb.Action_DropMessage, *sessionpb.Action_DeliverMessage, *sessionpb.Action_HoldMessage, *sessionpb.Action_ReleaseMessage,
		*sessionpb.Action_DelayMessage, *sessionpb.Action_DuplicateMessage, *sessionpb.Action_SetFilters:
		return "the messages of a live cluster are only watched"
	case *sessionpb.Action_SetNetwork, *sessionpb.Action_SetDisk, *sessionpb.Action_FailDisk, *sessionpb.Action_CorruptDisk:
		return "a live cluster has the network and the disks that it has"
	case *sessionpb.Action_PauseStore, *sessionpb.Action_ResumeStore, *sessionpb.Action_SetClock,
		*sessionpb.Action_TimeOutStore, *sessionpb.Action_SetElectionTimeout:
		return "the clocks and timers of a live store are its own"
	case *sessionpb.Action_SetWorkloads:
		return "a live cluster serves real clients: see raftplay bench"
	}
	return ""
}

// cut changes links and tells the viewers which ones are cut now.
func (g *Gateway) cut(w *watch, links []*sessionpb.Link) error {
	known := w.storeIDs()
	for _, l := range links {
		if l.GetFromStore() == l.GetToStore() || !slices.Contains(known, l.GetFromStore()) || !slices.Contains(known, l.GetToStore()) {
			return fmt.Errorf("there is no link from S%d to S%d", l.GetFromStore(), l.GetToStore())
		}
	}
	if err := g.cfg.Operator.Cut(links); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.say(0, &sessionpb.Event{Body: &sessionpb.Event_SettingsChanged{SettingsChanged: &sessionpb.SettingsChanged{
		Network: &sessionpb.Network{}, Disk: &sessionpb.Disk{}, Links: changed(w.merger.fold.links, links),
	}}})
	return nil
}

// changed is the links that are cut after a change, by their ends.
func changed(before, change []*sessionpb.Link) []*sessionpb.Link {
	type ends struct{ from, to uint64 }
	cut := map[ends]bool{}
	for _, links := range [][]*sessionpb.Link{before, change} {
		for _, l := range links {
			cut[ends{l.GetFromStore(), l.GetToStore()}] = l.GetCut()
		}
	}
	var now []*sessionpb.Link
	for e, is := range cut {
		if is {
			now = append(now, &sessionpb.Link{FromStore: e.from, ToStore: e.to, Cut: true})
		}
	}
	slices.SortFunc(now, func(a, b *sessionpb.Link) int {
		return cmp.Or(cmp.Compare(a.FromStore, b.FromStore), cmp.Compare(a.ToStore, b.ToStore))
	})
	return now
}

// heal mends links and restarts stores that are not reached: those named, or all.
func (g *Gateway) heal(w *watch, storeIDs []uint64) error {
	concerns := func(id uint64) bool { return len(storeIDs) == 0 || slices.Contains(storeIDs, id) }
	var links []*sessionpb.Link
	w.mu.Lock()
	for _, l := range w.merger.fold.links {
		if concerns(l.GetFromStore()) && concerns(l.GetToStore()) {
			links = append(links, &sessionpb.Link{FromStore: l.GetFromStore(), ToStore: l.GetToStore()})
		}
	}
	down := w.unreachable()
	w.mu.Unlock()
	var failure error // the first: one sentence is enough
	if len(links) > 0 {
		failure = g.cut(w, links)
	}
	for _, s := range down {
		if !concerns(s.GetStoreId()) {
			continue
		}
		if err := g.cfg.Operator.Restart(s.GetStoreId()); err != nil && failure == nil {
			failure = err
		}
	}
	return failure
}

// storeIDs are the stores that are known, in order.
func (w *watch) storeIDs() []uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([]uint64, 0, len(w.contacts))
	for id := range w.contacts {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
