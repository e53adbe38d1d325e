package sim

// Busy tells whether something is under way that an eye could follow: a message on its link that is not held, a write on
// its disk.
func (w *World) Busy() bool {
	if w.network.inFlight() > w.network.held {
		return true
	}
	for _, m := range w.machines {
		if m.write.busy && !m.paused {
			return true
		}
	}
	return false
}
