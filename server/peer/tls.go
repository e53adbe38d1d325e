package peer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// TLSFiles name PEM files. Without any, connections are plain. With CA, whoever connects must show a certificate that one
// of its authorities signed, and so must whoever is connected to.
type TLSFiles struct{ CA, Cert, Key string }

// tlsBytesMax bounds a file of certificates.
const tlsBytesMax = 1 << 20

// LoadTLS reads the files and returns what a client and a server need; nil for plain connections. A certificate that
// changes on the disk is taken from there at the next connection, so renewing it needs no restart; if the new one is not
// good, the last one is kept. The authorities are read once. A store's certificate must be good for servers and for
// clients, and name the host that others dial. An error is one sentence.
func LoadTLS(files TLSFiles) (client, server *tls.Config, err error) {
	if files == (TLSFiles{}) {
		return nil, nil, nil
	}
	if files.Cert == "" || files.Key == "" {
		return nil, nil, errors.New("TLS needs a certificate and its key, and one of them is not given")
	}
	own := &certificate{files: files}
	if _, err := own.current(); err != nil {
		return nil, nil, err
	}
	client = &tls.Config{
		MinVersion:           tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own.current() },
	}
	server = &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own.current() },
	}
	if files.CA != "" {
		authorities, err := readAuthorities(files.CA)
		if err != nil {
			return nil, nil, err
		}
		client.RootCAs, server.ClientCAs = authorities, authorities
		server.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return client, server, nil
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

// certificate is a certificate with its key, as the disk has it.
type certificate struct {
	files TLSFiles

	mu       sync.Mutex
	read     *tls.Certificate
	modified [2]time.Time
}

// current returns the certificate, read again when a file has changed; one that cannot be read any more is kept.
func (c *certificate) current() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var modified [2]time.Time
	for i, file := range []string{c.files.Cert, c.files.Key} {
		if info, err := os.Stat(file); err == nil {
			modified[i] = info.ModTime()
		}
	}
	if c.read != nil && modified == c.modified {
		return c.read, nil
	}
	read, err := c.load()
	if err != nil && c.read == nil {
		return nil, err
	}
	if err == nil {
		c.read = read
	}
	c.modified = modified
	return c.read, nil
}

func (c *certificate) load() (*tls.Certificate, error) {
	cert, err := readBounded(c.files.Cert)
	if err != nil {
		return nil, fmt.Errorf("the certificate cannot be read: %w", err)
	}
	key, err := readBounded(c.files.Key)
	if err != nil {
		return nil, fmt.Errorf("the certificate's key cannot be read: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%s and %s are not a certificate and its key: %w", c.files.Cert, c.files.Key, err)
	}
	switch now := time.Now(); {
	case now.After(pair.Leaf.NotAfter):
		return nil, fmt.Errorf("the certificate in %s was valid until %s", c.files.Cert, pair.Leaf.NotAfter.UTC().Format(time.DateTime))
	case now.Before(pair.Leaf.NotBefore):
		return nil, fmt.Errorf("the certificate in %s is valid from %s on", c.files.Cert, pair.Leaf.NotBefore.UTC().Format(time.DateTime))
	}
	return &pair, nil
}
