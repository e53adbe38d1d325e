// Package disk is the engine of a live store: an engine.Engine on Pebble, and the identity of the folder that holds it.
//
// A folder belongs to one store of one cluster. It says so in a small file, which also counts the starts (a store's
// incarnation) and the ids that were handed out. Open refuses a folder that is another's, that is in use, or that it does
// not understand, before anything in it is changed.
//
// The first error of the disk is the engine's last word. From then on every call returns it, Failed tells it to whoever
// waits, and nothing reaches the folder any more: what a later Open finds is what a crash at that moment would have left.
// So a store never acknowledges what its disk did not keep, and never answers from memory what the disk might not hold.
package disk
