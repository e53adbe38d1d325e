// Package web is the HTTP side of raftplay: the page, the websocket of live clusters, metrics and health.
//
// The page is built files only, compressed when they were built, cached for ever where their name carries a hash, and under
// a content security policy that lets it run nothing but its own files.
//
// GET /api/live becomes a websocket of subprotocol raftplay.v1. A viewer sends sessionpb.Request as binary messages, the
// first of them with attach, and gets exactly one sessionpb.Frame for each, in order. Whoever is sent away is told so by a
// last Frame with closed set, then by a close code; see Refusal. What stands behind the websocket comes in as Sessions.
//
// Who may do what: see Options.Tokens. A browser's page of another origin is refused before the upgrade unless it is
// listed, and without tokens so is a Host header that does not name this server, because then a name that somebody made
// resolve to this machine (DNS rebinding) would be the same origin.
//
// Everything a client may make the server keep, do or wait for has a limit: see Limits and ServerOptions.
package web
