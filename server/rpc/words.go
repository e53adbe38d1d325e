package rpc

import (
	"strconv"
	"strings"
)

// Innermost takes gRPC's wrappings off what it says of a connection that failed:
// `connection error: desc = "transport: Error while dialing: …"`. gRPC has the causes only as text.
func Innermost(text string) string {
	if _, after, found := strings.Cut(text, "desc = "); found {
		if quoted, err := strconv.QuotedPrefix(after); err == nil {
			text, _ = strconv.Unquote(quoted)
		}
	}
	for _, wrapping := range []string{"transport: ", "Error while dialing: ", "authentication handshake failed: "} {
		text = strings.TrimPrefix(text, wrapping)
	}
	return text
}
