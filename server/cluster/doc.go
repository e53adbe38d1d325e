// Package cluster puts a live store together of its parts: the engine on a folder, the transport, the loop, and what it
// serves to clients. It runs one in a process, or several.
package cluster
