package web

import (
	"fmt"
	"regexp"
	"strings"
)

// policy is the content security policy. The page runs only its own files; 'wasm-unsafe-eval' lets it compile WebAssembly
// and nothing else.
type policy struct {
	before, after string
	// connect are the sources of connect-src beside this server.
	connect string
}

// connectSource is a scheme, or a scheme with host and maybe a port. No space, comma or semicolon gets in, which would begin
// another source, policy or directive. The grammar of sources has no addresses of IPv6.
var connectSource = regexp.MustCompile(`^(wss?|https?):(//(\*\.)?[A-Za-z0-9_.-]+(:([0-9]{1,5}|\*))?)?$`)

func newPolicy(allowConnect []string) (*policy, error) {
	for _, source := range allowConnect {
		if !connectSource.MatchString(source) {
			return nil, fmt.Errorf("the page cannot be allowed to connect to %q: write wss://host:port, or ws: for any", source)
		}
	}
	p := &policy{
		before: "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'",
		after: "; worker-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; " +
			"frame-ancestors 'none'",
	}
	if len(allowConnect) > 0 {
		p.connect = " " + strings.Join(allowConnect, " ")
	}
	return p, nil
}

// of returns the policy of an answer to a request for host. In CSP 3, 'self' means the websockets of the same host and port
// too, but Safari before 16 reads it as CSP 2 did; so they are named. Both are, because a proxy may add the TLS.
func (p *policy) of(host string) string {
	own := ""
	if plainHost(host) && !strings.Contains(host, "[") {
		own = " ws://" + host + " wss://" + host
	}
	return p.before + own + p.connect + p.after
}
