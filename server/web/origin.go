package web

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// address is who this server is, for browsers: which pages may attach, and by which names it may be called.
type address struct {
	origins map[string]bool
	hosts   map[string]bool
}

// newAddress takes Options.AllowOrigins, whose hosts are names of this server too, and Options.Hosts.
func newAddress(allowOrigins, hosts []string) (*address, error) {
	a := &address{origins: map[string]bool{}, hosts: map[string]bool{"localhost": true}}
	for _, o := range allowOrigins {
		normal, host, err := parseOrigin(o)
		if err != nil {
			return nil, fmt.Errorf("the allowed origin %q %w", o, err)
		}
		a.origins[normal] = true
		a.hosts[host] = true
	}
	for _, h := range hosts {
		if !plainHost(h) {
			return nil, fmt.Errorf("the host %q is not a name or an address", h)
		}
		a.hosts[hostOf(h)] = true
	}
	return a, nil
}

// parseOrigin returns an origin as scheme://host:port in lower case, and its host.
func parseOrigin(origin string) (normal, host string, err error) {
	u, err := url.Parse(origin)
	if err != nil || u.Opaque != "" || u.Host == "" || !plainHost(u.Host) {
		return "", "", errors.New("is not scheme://host or scheme://host:port")
	}
	if u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(origin, "#") {
		return "", "", errors.New("says more than scheme://host:port")
	}
	port := u.Port()
	switch {
	case u.Scheme == "http" && port == "":
		port = "80"
	case u.Scheme == "https" && port == "":
		port = "443"
	case u.Scheme != "http" && u.Scheme != "https":
		return "", "", errors.New("is neither of http nor of https")
	}
	host = hostOf(u.Host)
	return u.Scheme + "://" + net.JoinHostPort(host, port), host, nil
}

// admitsOrigin tells whether the page that asks, if one does, may attach. Without an Origin header it is no page: every
// browser sends one with an upgrade.
func (a *address) admitsOrigin(r *http.Request) bool {
	sent := r.Header.Values("Origin")
	if len(sent) == 0 {
		return true
	}
	origin, _, err := parseOrigin(sent[0])
	if err != nil || len(sent) > 1 {
		return false // among them null: a page in a sandbox or a file
	}
	if a.origins[origin] {
		return true
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	own, _, err := parseOrigin(scheme + "://" + r.Host)
	return err == nil && own == origin
}

// admitsHost tells whether a Host header calls this server by a name that is its own: this machine's loopback, the address
// that the connection came to, or a name that was listed. A page may have any other name resolve to this machine.
func (a *address) admitsHost(r *http.Request) bool {
	if !plainHost(r.Host) {
		return false
	}
	host := hostOf(r.Host)
	if a.hosts[host] {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	ip = ip.Unmap()
	if ip.IsLoopback() {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && ip.WithZone("") == local.AddrPort().Addr().Unmap().WithZone("")
}

// hostOf returns the host of host or host:port, in lower case, without brackets and the root's dot.
func hostOf(hostPort string) string {
	host := hostPort
	if h, _, err := net.SplitHostPort(hostPort); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// IsHost tells whether a name can be among Options.Hosts.
func IsHost(name string) bool { return plainHost(name) }

// plainHost tells whether host or host:port has only characters that can stand in one.
func plainHost(host string) bool {
	return host != "" && !strings.ContainsFunc(host, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("-._:[]", r)
	})
}
