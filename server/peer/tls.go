package peer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"
)

// TLSFiles name PEM files. Without any, connections are plain. With CA, whoever connects must show a certificate that one
// of its authorities signed, and so must whoever is connected to.
type TLSFiles struct{ CA, Cert, Key string }

// tlsBytesMax bounds a file of certificates.
const tlsBytesMax = 1 << 20

// LoadTLS reads the files and returns what a client and a server need; nil for plain connections. What changes on the disk is
// taken from there at the next connection, so renewing a certificate, or adding an authority, needs no restart; when what is
// there is not good, the last that was is kept. Client makes what one connection is opened with. A store's certificate must
// be good for servers and for clients, and name the host that others dial. An error is one sentence.
func LoadTLS(files TLSFiles) (client func() *tls.Config, server *tls.Config, err error) {
	if files == (TLSFiles{}) {
		return nil, nil, nil
	}
	if files.Cert == "" || files.Key == "" {
		return nil, nil, errHalfCertificate
	}
	if client, err = LoadClientTLS(files); err != nil {
		return nil, nil, err
	}
	own := newCertificate(files)
	server = &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own.current() },
	}
	if files.CA == "" {
		return client, server, nil
	}
	authorities := newAuthorities(files.CA)
	server.ClientAuth = tls.RequireAndVerifyClientCert
	// Who comes back with a ticket would not be looked at again.
	server.SessionTicketsDisabled = true
	each := server.Clone()
	server.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		trusted, err := authorities.current()
		if err != nil {
			return nil, err // a server must not fall back to trusting whom the system does
		}
		now := each.Clone()
		now.ClientCAs = trusted
		return now, nil
	}
	return client, server, nil
}

var errHalfCertificate = errors.New("TLS needs a certificate and its key, and one of them is not given")

// LoadClientTLS is LoadTLS for who only dials: it needs no certificate where servers ask for none. Without CA it trusts what
// the system does.
func LoadClientTLS(files TLSFiles) (client func() *tls.Config, err error) {
	base := &tls.Config{MinVersion: tls.VersionTLS12}
	if (files.Cert == "") != (files.Key == "") {
		return nil, errHalfCertificate
	}
	if files.Cert != "" {
		own := newCertificate(files)
		if _, err := own.current(); err != nil {
			return nil, err
		}
		base.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own.current() }
	}
	if files.CA == "" {
		return func() *tls.Config { return base.Clone() }, nil
	}
	authorities := newAuthorities(files.CA)
	if _, err := authorities.current(); err != nil {
		return nil, err
	}
	return func() *tls.Config {
		now := base.Clone()
		now.RootCAs, _ = authorities.current() // read once, there always are some
		return now
	}, nil
}

func newAuthorities(file string) *reread[*x509.CertPool] {
	return &reread[*x509.CertPool]{files: []string{file}, read: func() (*x509.CertPool, error) { return readAuthorities(file) }}
}

func readAuthorities(file string) (*x509.CertPool, error) {
	pem, err := readBounded(file)
	if err != nil {
		return nil, fmt.Errorf("the authorities cannot be read: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate of an authority", file)
	}
	return pool, nil
}

func readBounded(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > tlsBytesMax {
		return nil, fmt.Errorf("%s is larger than %d bytes", file, tlsBytesMax)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", file)
	}
	return os.ReadFile(file)
}

func newCertificate(files TLSFiles) *reread[*tls.Certificate] {
	return &reread[*tls.Certificate]{files: []string{files.Cert, files.Key}, read: func() (*tls.Certificate, error) { return readCertificate(files) }}
}

func readCertificate(files TLSFiles) (*tls.Certificate, error) {
	cert, err := readBounded(files.Cert)
	if err != nil {
		return nil, fmt.Errorf("the certificate cannot be read: %w", err)
	}
	key, err := readBounded(files.Key)
	if err != nil {
		return nil, fmt.Errorf("the certificate's key cannot be read: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%s and %s are not a certificate and its key: %w", files.Cert, files.Key, err)
	}
	switch now := time.Now(); {
	case now.After(pair.Leaf.NotAfter):
		return nil, fmt.Errorf("the certificate in %s was valid until %s", files.Cert, pair.Leaf.NotAfter.UTC().Format(time.DateTime))
	case now.Before(pair.Leaf.NotBefore):
		return nil, fmt.Errorf("the certificate in %s is valid from %s on", files.Cert, pair.Leaf.NotBefore.UTC().Format(time.DateTime))
	}
	return &pair, nil
}
