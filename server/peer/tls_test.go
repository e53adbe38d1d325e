package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// authority signs certificates.
type authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.key = newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	must(t, err)
	a.cert, err = x509.ParseCertificate(der)
	must(t, err)
	a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	file := filepath.Join(a.dir, name)
	must(a.t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return file
}

// sign writes a certificate for the loopback, and its key.
func (a *authority) sign(name string, change func(*x509.Certificate)) TLSFiles {
	a.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if change != nil {
		change(template)
	}
	key := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	must(a.t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	must(a.t, err)
	return TLSFiles{
		CA: filepath.Join(a.dir, "ca.pem"), Cert: a.write(name+".pem", "CERTIFICATE", der),
		Key: a.write(name+".key", "PRIVATE KEY", encoded),
	}
}

func load(t testing.TB, files TLSFiles) (client func() *tls.Config, server *tls.Config) {
	t.Helper()
	client, server, err := LoadTLS(files)
	must(t, err)
	return client, server
}

func TestStoresOfOneAuthoritySpeak(t *testing.T) {
	a := newAuthority(t, "ours")
	clientOne, _ := load(t, a.sign("one", nil))
	_, serverTwo := load(t, a.sign("two", nil))
	two := newStation(t, 2, setup{serverTLS: serverTwo})
	one := newStation(t, 1, setup{client: clientOne, known: map[uint64]string{2: two.address}, limits: quick()})
	one.awaitConnected(2)
	must(t, one.transport.Send(2, message(1, 2, 1, 0)))
	must(t, one.transport.Send(2, chunk(1, 2, 2, 0)))
	until(t, "both came", func() bool { return two.inbox.has(1, 1) && two.inbox.has(1, 2) })
}

func TestWhoIsNotOfTheAuthorityIsRefused(t *testing.T) {
	ours, others := newAuthority(t, "ours"), newAuthority(t, "others")
	trusts, _ := load(t, ours.sign("one", nil))
	_, server := load(t, ours.sign("two", nil))
	_, stranger := load(t, others.sign("two", nil))
	_, elsewhere := load(t, ours.sign("elsewhere", func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 9)} }))
	bare := trusts()
	bare.GetClientCertificate = nil
	foreign := trusts()
	foreignOwn := newCertificate(others.sign("three", nil))
	foreign.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return foreignOwn.current() }
	old := bare.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS11, tls.VersionTLS11
	for name, c := range map[string]struct {
		client, server *tls.Config
		want           string
	}{
		"without a certificate":              {bare, server, "S2 wants a certificate, and this store shows none"},
		"with another's certificate":         {foreign, server, "S2 refuses the TLS of this store: tls: "},
		"a server of another authority":      {trusts(), stranger, "this store does not accept the certificate of S2: x509: certificate signed by unknown authority"},
		"a server with another's name":       {trusts(), elsewhere, "this store does not accept the certificate of S2: x509: certificate is valid for 127.0.0.9, not 127.0.0.1"},
		"plainly, to one who wants TLS":      {nil, server, "S2 does not answer this store, which speaks without TLS: it may want TLS"},
		"with TLS, to one who speaks it not": {trusts(), nil, "S2 speaks without TLS, and this store with it"},
		"with an old version of TLS":         {old, server, "S2 refuses the TLS of this store: tls: protocol version not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			two := newStation(t, 2, setup{serverTLS: c.server})
			var client func() *tls.Config
			if c.client != nil {
				client = func() *tls.Config { return c.client }
			}
			one := newStation(t, 1, setup{client: client, known: map[uint64]string{2: two.address}, limits: quick()})
			until(t, "it is refused", func() bool { return one.line(2).LastError != "" })
			if got := one.line(2).LastError; !strings.HasPrefix(got, c.want) {
				t.Errorf("%s, not %s", got, c.want)
			}
			if line := one.line(2); line.Connected || line.Connects > 0 || two.server.Stats().Taken > 0 {
				t.Errorf("the line stands at %+v", line)
			}
		})
	}
}

func TestARenewedCertificateIsTakenWithoutARestart(t *testing.T) {
	a := newAuthority(t, "ours")
	files := a.sign("two", nil)
	client, server := load(t, files)
	shown := func() int64 {
		t.Helper()
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		go func() { _ = tls.Server(far, server).Handshake() }()
		conn := tls.Client(near, &tls.Config{
			ServerName: "127.0.0.1", RootCAs: client().RootCAs, GetClientCertificate: client().GetClientCertificate,
			MaxVersion: tls.VersionTLS12, // a pipe does not hold what TLS 1.3 sends after the handshake
		})
		must(t, conn.Handshake())
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := shown(); got != 2 {
		t.Fatalf("certificate %d is shown", got)
	}
	a.sign("two", func(c *x509.Certificate) { c.SerialNumber = big.NewInt(3) })
	touch(t, files, time.Minute)
	if got := shown(); got != 3 {
		t.Errorf("after it was renewed, certificate %d is shown", got)
	}
	// One that is not good is not taken.
	must(t, os.WriteFile(files.Cert, []byte("half a certif"), 0o600))
	touch(t, files, 2*time.Minute)
	if got := shown(); got != 3 {
		t.Errorf("after it was spoilt, certificate %d is shown", got)
	}
	must(t, os.Remove(files.Cert))
	if got := shown(); got != 3 {
		t.Errorf("after it was removed, certificate %d is shown", got)
	}
}

// An authority is replaced by adding the next one everywhere, renewing the certificates, and taking the old one away.
func TestAnAuthorityThatIsAddedOrTakenAwayCountsWithoutARestart(t *testing.T) {
	old, next := newAuthority(t, "old"), newAuthority(t, "next")
	files := old.sign("two", nil)
	clientTwo, serverTwo := load(t, files)
	two := newStation(t, 2, setup{serverTLS: serverTwo})
	filesOfOne := next.sign("one", nil)
	filesOfOne.CA = files.CA
	clientOne, serverOne := load(t, filesOfOne)
	one := newStation(t, 1, setup{client: clientOne, serverTLS: serverOne, known: map[uint64]string{2: two.address}, limits: quick()})
	until(t, "it is refused", func() bool { return strings.HasPrefix(one.line(2).LastError, "S2 refuses the TLS of this store: ") })

	oldPEM, err := os.ReadFile(files.CA)
	must(t, err)
	nextPEM, err := os.ReadFile(filepath.Join(next.dir, "ca.pem"))
	must(t, err)
	trust := func(ahead time.Duration, pem ...byte) {
		must(t, os.WriteFile(files.CA, pem, 0o600))
		must(t, os.Chtimes(files.CA, time.Now().Add(ahead), time.Now().Add(ahead)))
	}
	trust(time.Minute, append(oldPEM, nextPEM...)...)
	one.awaitConnected(2)

	// Without the old one, nobody believes that S2 is S2, and S1 is still let in.
	trust(2*time.Minute, nextPEM...)
	one.transport.Cut(2, true)
	one.transport.Cut(2, false)
	until(t, "S2 is not believed", func() bool {
		return strings.Contains(one.line(2).LastError, "does not accept the certificate of S2: x509: certificate signed by unknown authority")
	})

	// A file that is not good is not taken.
	trusted := x509.NewCertPool()
	trusted.AddCert(next.cert)
	for _, when := range []string{"before", "after"} {
		if !clientTwo().RootCAs.Equal(trusted) {
			t.Errorf("%s the file was spoilt, others are trusted than the next authority", when)
		}
		trust(3*time.Minute, []byte("half a certif")...)
	}
}

func TestHandshakesAtTheSameTimeDoNotMeet(t *testing.T) {
	a := newAuthority(t, "ours")
	files := a.sign("two", nil)
	client, server := load(t, files)
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for range 20 {
				if cfg, err := server.GetConfigForClient(&tls.ClientHelloInfo{}); err != nil || cfg.ClientCAs == nil {
					t.Errorf("a server's configuration: %v", err)
				}
				if own, err := client().GetClientCertificate(&tls.CertificateRequestInfo{}); err != nil || own == nil {
					t.Errorf("a client's certificate: %v", err)
				}
			}
		})
	}
	for ahead := range 5 {
		touch(t, files, time.Duration(ahead)*time.Minute)
		must(t, os.Chtimes(files.CA, time.Now(), time.Now().Add(time.Duration(ahead)*time.Minute)))
	}
	work.Wait()
}

// touch makes files look changed, whatever the file system's clock is worth.
func touch(t *testing.T, files TLSFiles, ahead time.Duration) {
	t.Helper()
	for _, file := range []string{files.Cert, files.Key} {
		must(t, os.Chtimes(file, time.Now().Add(ahead), time.Now().Add(ahead)))
	}
}

func TestBadTLSFilesAreRefusedWithASentence(t *testing.T) {
	a := newAuthority(t, "ours")
	good, other := a.sign("good", nil), a.sign("other", nil)
	expired := a.sign("expired", func(c *x509.Certificate) { c.NotAfter = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC) })
	early := a.sign("early", func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Date(2200, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2201, 1, 1, 0, 0, 0, 0, time.UTC)
	})
	large := filepath.Join(a.dir, "large")
	must(t, os.WriteFile(large, make([]byte, tlsBytesMax+1), 0o600))
	for want, files := range map[string]TLSFiles{
		"TLS needs a certificate and its key, and one of them is not given":                     {CA: good.CA},
		"TLS needs a certificate and its key, and one of them is not given ":                    {Cert: good.Cert},
		"the certificate cannot be read: stat DIR/gone: no such file or directory":              {Cert: a.dir + "/gone", Key: good.Key},
		"the certificate cannot be read: DIR is no file":                                        {Cert: a.dir, Key: good.Key},
		"the certificate cannot be read: DIR/large is larger than 1048576 bytes":                {Cert: large, Key: good.Key},
		"the certificate's key cannot be read: stat DIR/gone: no such file or directory":        {Cert: good.Cert, Key: a.dir + "/gone"},
		"DIR/good.pem and DIR/other.key are not a certificate and its key: tls: private key ":   {Cert: good.Cert, Key: other.Key},
		"DIR/good.key and DIR/good.key are not a certificate and its key: tls: failed to find ": {Cert: good.Key, Key: good.Key},
		"the certificate in DIR/expired.pem was valid until 2020-01-02 03:04:05":                expired,
		"the certificate in DIR/early.pem is valid from 2200-01-02 03:04:05 on":                 early,
		"the authorities cannot be read: stat DIR/gone: no such file or directory":              {CA: a.dir + "/gone", Cert: good.Cert, Key: good.Key},
		"DIR/good.key holds no certificate of an authority":                                     {CA: good.Key, Cert: good.Cert, Key: good.Key},
	} {
		_, _, err := LoadTLS(files)
		if err == nil || !strings.HasPrefix(strings.ReplaceAll(err.Error(), a.dir, "DIR"), strings.TrimSpace(want)) {
			t.Errorf("%v, not %s", err, want)
		}
	}
	if client, server, err := LoadTLS(TLSFiles{}); client != nil || server != nil || err != nil {
		t.Errorf("without files: %t, %v, %v", client != nil, server, err)
	}
	// Who only dials may have no certificate.
	for want, files := range map[string]TLSFiles{
		"TLS needs a certificate and its key, and one of them is not given": {CA: good.CA, Cert: good.Cert},
		"DIR/good.key holds no certificate of an authority":                 {CA: good.Key},
	} {
		if _, err := LoadClientTLS(files); err == nil || strings.ReplaceAll(err.Error(), a.dir, "DIR") != want {
			t.Errorf("%v, not %s", err, want)
		}
	}
	if client, err := LoadClientTLS(TLSFiles{CA: good.CA}); err != nil || client().RootCAs == nil {
		t.Errorf("with authorities alone: %v", err)
	}
}
