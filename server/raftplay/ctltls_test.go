package main

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
	"testing"
	"time"

	"raftplay/server/client/clienttest"
)

// selfSigned makes a certificate for this machine that is its own authority, and the files of it and its key.
func selfSigned(t *testing.T) (certificate tls.Certificate, certFile, keyFile string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "raftplay"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	folder := t.TempDir()
	certFile, keyFile = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	must(os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o600))
	must(os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	certificate, err = tls.LoadX509KeyPair(certFile, keyFile)
	must(err)
	return certificate, certFile, keyFile
}

// The stores want a certificate of their clients, too.
func TestCtlSpeaksTLS(t *testing.T) {
	certificate, certFile, keyFile := selfSigned(t)
	_, otherFile, _ := selfSigned(t)
	authorities := x509.NewCertPool()
	text, err := os.ReadFile(certFile)
	if err != nil || !authorities.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	cluster := clienttest.Start(t, clienttest.Options{Stores: 1, TLS: &tls.Config{
		Certificates: []tls.Certificate{certificate}, ClientCAs: authorities, ClientAuth: tls.RequireAndVerifyClientCert}})
	own := " --tls-cert " + certFile + " --tls-key " + keyFile
	ctlScript(t, cluster, []ctlStep{
		{args: "put a 1 --tls-ca " + certFile + own, stdout: "ok\n"},
		{args: "put a 1 --tls-ca " + otherFile + own, code: exitFailed, stderr: "certificate signed by unknown authority"},
		{args: "put a 1 --tls-ca " + certFile + " --timeout 1s", code: exitFailed, stderr: "no store answers"},
		{args: "put a 1 --timeout 1s", code: exitFailed, stderr: "no store answers"},
	})
}
