package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/grpc/status"

	"raftplay/server/rpc"
)

// reason turns what gRPC says of a line that failed into one sentence. gRPC has the causes of failed connections only as
// text; a text that is not known here is given as it is.
func reason(err error, storeID uint64, secured bool) string {
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Sprintf("S%d ended the stream", storeID)
	}
	if errors.Is(err, context.Canceled) {
		return "the line was closed"
	}
	text := rpc.Innermost(status.Convert(err).Message())
	has := func(part string) bool { return strings.Contains(text, part) }
	switch {
	case has("tls: certificate required"):
		return fmt.Sprintf("S%d wants a certificate, and this store shows none", storeID)
	case has("remote error: tls:"):
		return fmt.Sprintf("S%d refuses the TLS of this store: %s", storeID, from(text, "tls:"))
	case has("first record does not look like a TLS handshake"):
		return fmt.Sprintf("S%d speaks without TLS, and this store with it", storeID)
	case has("x509:"):
		return fmt.Sprintf("this store does not accept the certificate of S%d: %s", storeID, from(text, "x509:"))
	case has("error reading server preface") && !secured:
		return fmt.Sprintf("S%d does not answer this store, which speaks without TLS: it may want TLS", storeID)
	case has("error reading from server:"):
		return "the connection broke: " + strings.TrimSpace(strings.TrimPrefix(from(text, "error reading from server:"), "error reading from server:"))
	}
	return text
}

// from is text from the first part on.
func from(text, part string) string { return text[strings.Index(text, part):] }
