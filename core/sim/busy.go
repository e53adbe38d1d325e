package sim

// Busy tells whether something is under way that an eye could follow: a message on its link, a write on its disk.
func (w *World) Busy() bool {
	if w.network.inFlight() > 0 {
		return true
	}
	for _, m := range w.machines {
		if m.write.busy {
			return true
		}
	}
	return false
}
