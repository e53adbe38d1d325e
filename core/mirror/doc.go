// Package mirror shows what goes on in a store as the session protocol's messages: the simulated world and a live store
// tell their viewers the same things in the same words.
package mirror
