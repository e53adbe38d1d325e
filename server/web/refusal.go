package web

import (
	"fmt"
	"time"
)

// Close codes of the websocket (RFC 6455, 7.4.1, and its registry). After CloseGoingAway and CloseTryLater it makes sense
// to come again.
const (
	CloseNormal      = 1000
	CloseGoingAway   = 1001
	CloseProtocol    = 1002
	CloseUnsupported = 1003
	CloseInvalid     = 1007
	ClosePolicy      = 1008
	CloseTooLarge    = 1009
	CloseInternal    = 1011
	CloseTryLater    = 1013
)

// Refusal is why a viewer is sent away. The viewer reads the sentence in a last frame's closed, then gets the code.
type Refusal struct {
	Code     int
	Sentence string
}

func (r *Refusal) Error() string { return r.Sentence }

func refuse(code int, format string, a ...any) *Refusal {
	return &Refusal{Code: code, Sentence: fmt.Sprintf(format, a...)}
}

var (
	refusalStopping    = refuse(CloseGoingAway, "the server is stopping")
	refusalNoToken     = refuse(ClosePolicy, "this server asks for a token, and none was sent")
	refusalWrongToken  = refuse(ClosePolicy, "the token is none of this server's")
	refusalNoAttach    = refuse(CloseProtocol, "the first request says nothing of who asks: attach is missing")
	refusalAttachTwice = refuse(CloseProtocol, "attach belongs into the first request, and came again")
	refusalText        = refuse(CloseUnsupported, "a viewer sends binary messages, and this one is text")
	refusalMalformed   = refuse(CloseInvalid, "a message does not parse as a request")
)

func refusalTokensTried(wait time.Duration) *Refusal {
	return refuse(ClosePolicy, "too many wrong tokens came from this address: try again in %s", wait)
}

func refusalVersion(ours, theirs uint32) *Refusal {
	return refuse(ClosePolicy, "this server speaks version %d of the session protocol, and the viewer version %d: reload the page", ours, theirs)
}

func refusalViewers(most int) *Refusal {
	return refuse(CloseTryLater, "too many viewers are attached: this server takes %d", most)
}

func refusalViewersOfAddress(most int) *Refusal {
	return refuse(CloseTryLater, "too many viewers are attached from this address: this server takes %d", most)
}

func refusalTooLarge(most int) *Refusal {
	return refuse(CloseTooLarge, "a message is too large: at most %d bytes are taken", most)
}

func refusalWaiting(most int) *Refusal {
	return refuse(ClosePolicy, "too many commands: more than %d requests wait for their answers", most)
}

func refusalRequests(rate int) *Refusal {
	return refuse(ClosePolicy, "too many commands: at most %d requests a second are taken", rate)
}

func refusalCommands(rate int) *Refusal {
	return refuse(ClosePolicy, "too many commands: at most %d a second are taken", rate)
}

func refusalSlowFirst(limit time.Duration) *Refusal {
	return refuse(ClosePolicy, "too slow: the first request did not come within %s", limit)
}

func refusalSlowMessage(limit time.Duration) *Refusal {
	return refuse(ClosePolicy, "too slow: a message did not end within %s", limit)
}

func refusalSilent(limit time.Duration) *Refusal {
	return refuse(ClosePolicy, "too slow: no ping was answered for %s", limit)
}

func refusalSlowReader(limit time.Duration) *Refusal {
	return refuse(ClosePolicy, "too slow: a frame was not taken within %s", limit)
}

func refusalFrame(size, most int) *Refusal {
	return refuse(CloseInternal, "an answer of %d bytes is beyond the limit of %d", size, most)
}

func refusalProtocol(err error) *Refusal {
	return refuse(CloseProtocol, "the viewer broke the websocket protocol: %v", err)
}
