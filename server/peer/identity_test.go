package peer

import (
	"crypto/x509"
	"net/url"
	"testing"
)

func TestACertificateThatNamesAStoreIsGoodForThatStoreAlone(t *testing.T) {
	a := newAuthority(t, "ours")
	of := func(name string, usage x509.ExtKeyUsage, ids ...uint64) TLSFiles {
		return a.sign(name, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, usage}
			c.URIs = []*url.URL{{Scheme: "spiffe", Host: "example", Path: "/anything"}}
			for _, id := range ids {
				c.URIs = append(c.URIs, StoreURI(id))
			}
		})
	}
	const server, clientOnly = x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth
	for name, c := range map[string]struct {
		one, two TLSFiles
		want     string // "" is connected
	}{
		"both are who they are": {of("one", server, 1), of("two", server, 2), ""},
		"one is of two stores":  {of("both", server, 1, 2), of("two", server, 2), ""},
		"one names no store":    {of("any", server), of("two", server, 2), ""},
		"the one who dials is another": {
			of("three", server, 3), of("two", server, 2), "the certificate is of raftplay://store/3, and not of S1"},
		"the one who is dialled is another": {
			of("one", server, 1), of("four", server, 4), "the certificate is of raftplay://store/4, and not of S2"},
		"the one who dials is a client": {
			of("admin", clientOnly), of("two", server, 2), "the certificate is a client's, and no store's"},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := load(t, c.one)
			_, serverTLS := load(t, c.two)
			two := newStation(t, 2, setup{serverTLS: serverTLS})
			one := newStation(t, 1, setup{client: client, known: map[uint64]string{2: two.address}, limits: quick()})
			if c.want == "" {
				one.awaitConnected(2)
				return
			}
			until(t, "it is refused", func() bool { return one.line(2).LastError != "" })
			if got := one.line(2).LastError; got != c.want {
				t.Errorf("%s, not %s", got, c.want)
			}
			if line := one.line(2); line.Connected || line.Connects > 0 || two.server.Stats().Taken > 0 {
				t.Errorf("the line stands at %+v", line)
			}
		})
	}
}
