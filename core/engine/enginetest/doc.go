// Package enginetest is what every engine must do, as a random test: a plain model of an engine, readers compared with it
// in every way, and a drive that writes, syncs, freezes and crashes. Only tests import it.
package enginetest
