package sim

import (
	"errors"
	"fmt"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// What workloads may ask for.
const (
	workloadsMax = 16
	workersMax   = 64 // over all workloads
	objectsMax   = 99
	attemptsMax  = 100
	readModesMax = 16
	// Some reads are answered at once: a client that did not think at all would stop the clock.
	thinkMicrosMin = 1_000
	thinkMicrosMax = 60_000_000
)

func validateWorkloads(workloads []*sessionpb.Workload) error {
	if n := len(workloads); n > workloadsMax {
		return fmt.Errorf("a run has at most %d workloads, not %d", workloadsMax, n)
	}
	clients := uint64(0)
	for i, l := range workloads {
		if err := validateWorkload(l); err != nil {
			return fmt.Errorf("workload %d: %w", i+1, err)
		}
		clients += uint64(l.GetClients())
	}
	if clients > workersMax {
		return fmt.Errorf("all workloads together have at most %d clients, not %d", workersMax, clients)
	}
	return nil
}

func validateWorkload(l *sessionpb.Workload) error {
	if kind := l.GetKind(); kind < sessionpb.WorkloadKind_WORKLOAD_KIND_REGISTERS || kind > sessionpb.WorkloadKind_WORKLOAD_KIND_BANK {
		return errors.New("it is about registers, sets, counters or banks, and says none of them")
	}
	switch clients, objects, attempts := l.GetClients(), l.GetObjects(), l.GetAttemptsMax(); {
	case clients < 1 || clients > workersMax:
		return fmt.Errorf("it has 1 to %d clients, not %d", workersMax, clients)
	case objects < 1 || objects > objectsMax:
		return fmt.Errorf("it has 1 to %d objects, not %d", objectsMax, objects)
	case attempts < 1 || attempts > attemptsMax:
		return fmt.Errorf("an operation has 1 to %d attempts, not %d", attemptsMax, attempts)
	case len(l.GetReadModes()) > readModesMax:
		return fmt.Errorf("it draws from at most %d read modes, not %d", readModesMax, len(l.GetReadModes()))
	case l.GetStragglePpm() > ppm:
		return fmt.Errorf("at most %d writes in a million arrive once more, not %d", ppm, l.GetStragglePpm())
	case l.GetAstrayPpm() > ppm:
		return fmt.Errorf("at most %d attempts in a million go astray, not %d", ppm, l.GetAstrayPpm())
	}
	for _, mode := range l.GetReadModes() {
		if mode < 0 || mode > raftcmdpb.ReadMode_READ_MODE_STALE {
			return fmt.Errorf("there is no read mode %d", mode)
		}
	}
	if err := within("the time to think", l.GetThinkMicros(), thinkMicrosMin, thinkMicrosMax); err != nil {
		return err
	}
	return within("the timeout of an attempt", l.GetTimeoutMicros(), clientTimeoutMinimum, clientTimeoutMaximum)
}

// ppm is what a probability in parts per million is a part of.
const ppm = 1_000_000

// setWorkloads replaces the workloads. What clients wait for goes on, and nobody hears how it ends.
func (w *World) setWorkloads(workloads []*sessionpb.Workload) {
	w.configure(func(next *sessionpb.Config) { next.Workloads = workloads })
	w.employ()
}

// employ gives the workloads of the configuration their clients: those of the first workload have the first numbers.
func (w *World) employ() {
	w.agenda.remove(func(it *item) bool { return it.deed == deedWork || it.deed == deedStraggle })
	for _, k := range w.workers {
		k.workload, k.task, k.stragglers = nil, nil, nil
	}
	number := 0
	for _, l := range w.config.GetWorkloads() {
		for range l.GetClients() {
			if number == len(w.workers) {
				w.workers = append(w.workers, newWorker(w.config.GetSeed(), uint32(number+1)))
			}
			k := w.workers[number]
			k.workload, k.habit = l, newHabit(l.GetKind())
			k.think(w)
			number++
		}
	}
}
