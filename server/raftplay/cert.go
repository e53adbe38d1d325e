package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"raftplay/server/peer"
)

// Certificates for a cluster: an authority of one's own, and what it signs. Whoever has an authority already uses that.

const (
	authorityName  = "ca"
	authorityYears = 10
	certDaysMax    = 3650
	certFileMode   = 0o644
	keyFileMode    = 0o600
)

func (p *Program) certCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "cert",
		Short: "Make certificates for the stores and clients of a live cluster",
		Long: "cert makes an authority, and certificates that it signs, for a cluster whose stores and clients know each other by them.\n" +
			"An organisation's own authority does as well.",
		Example: "  raftplay cert authority secrets\n" +
			"  raftplay cert issue secrets store1 --host 10.0.0.1",
		Args: cobra.NoArgs,
		RunE: showHelp,
	}
	command.AddCommand(p.certAuthority(), p.certIssue())
	return command
}

func (p *Program) certAuthority() *cobra.Command {
	return &cobra.Command{
		Use:     "authority FOLDER",
		Short:   "Make an authority: FOLDER/ca.pem and FOLDER/ca.key",
		Long:    "authority makes an authority. Its key, ca.key, signs certificates: keep it away from the stores.",
		Example: "  raftplay cert authority secrets",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			p.job = func(context.Context) error { return p.makeAuthority(args[0]) }
			return nil
		},
	}
}

// certOptions are the flags of `raftplay cert issue`.
type certOptions struct {
	hosts   []string
	storeID uint64 // 0: of no store, or of any
	days    int
}

func (p *Program) certIssue() *cobra.Command {
	o := certOptions{}
	command := &cobra.Command{
		Use:   "issue FOLDER NAME",
		Short: "Make a certificate: FOLDER/NAME.pem and FOLDER/NAME.key",
		Long: "issue makes a certificate that the authority in the folder signs. A store's names each host under which others reach it,\n" +
			"and with --store the store, as which alone it is then good; a client's needs neither, and is no store's.",
		Example: "  raftplay cert issue secrets store1 --store 1 --host 10.0.0.1,store1.example\n" +
			"  raftplay cert issue secrets admin",
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case !certName.MatchString(args[1]) || args[1] == authorityName:
				return fmt.Errorf("%q cannot be a certificate's name: letters, digits, . _ and - can, but for %q", args[1], authorityName)
			case o.days < 1 || o.days > certDaysMax:
				return fmt.Errorf("--days must be 1 to %d, not %d", certDaysMax, o.days)
			case o.storeID != 0 && len(o.hosts) == 0:
				return errors.New("--store needs --host: others look for the store's host in its certificate")
			}
			for _, host := range o.hosts {
				if net.ParseIP(host) == nil && !certHost.MatchString(host) {
					return fmt.Errorf("--host: %q is no name or address of a machine: 10.0.0.1 and store1.example are, without a port", host)
				}
			}
			p.job = func(context.Context) error { return p.issue(args[0], args[1], o) }
			return nil
		},
	}
	command.Flags().StringSliceVar(&o.hosts, "host", nil, "names and addresses of the store, with commas between")
	command.Flags().Uint64Var(&o.storeID, "store", 0, "the store's number, when it is to be good for no other store")
	command.Flags().IntVar(&o.days, "days", 365, "how long it is valid")
	return command
}

var certName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// certHost is a name that a certificate can be for, perhaps with a star in the place of its first part.
var certHost = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9._-]{0,250}[A-Za-z0-9_])?$`)

func (p *Program) makeAuthority(folder string) error {
	if err := os.MkdirAll(folder, dataDirMode); err != nil {
		return &usageError{fmt.Errorf("the folder cannot be made: %w", err)}
	}
	template, err := newTemplate("raftplay authority", 365*authorityYears)
	if err != nil {
		return err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	return p.sign(folder, authorityName, template, template, key, key)
}

func (p *Program) issue(folder, name string, o certOptions) error {
	authority, authorityKey, err := readAuthority(folder)
	if err != nil {
		return &usageError{err}
	}
	template, err := newTemplate(name, o.days)
	if err != nil {
		return err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	// A store is also its peers' client.
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(o.hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	if err := within(template, authority); err != nil {
		return &usageError{err}
	}
	if o.storeID != 0 {
		template.URIs = []*url.URL{peer.StoreURI(o.storeID)}
	}
	for _, host := range o.hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	return p.sign(folder, name, template, authority, key, authorityKey)
}

func newTemplate(name string, days int) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		// Other machines' clocks may be a little behind.
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, days),
	}, nil
}

// within ends a certificate with its authority, beyond which nobody would accept it.
func within(template, authority *x509.Certificate) error {
	if !template.NotBefore.Before(authority.NotAfter) {
		return fmt.Errorf("the authority's certificate was valid until %s: make another authority", authority.NotAfter.Format(time.DateOnly))
	}
	if template.NotAfter.After(authority.NotAfter) {
		template.NotAfter = authority.NotAfter
	}
	return nil
}

// sign makes the certificate and writes it and its key; it never writes over what is there.
func (p *Program) sign(folder, name string, template, authority *x509.Certificate, key, authorityKey *ecdsa.PrivateKey) error {
	signed, err := x509.CreateCertificate(rand.Reader, template, authority, &key.PublicKey, authorityKey)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	certFile, keyFile := filepath.Join(folder, name+".pem"), filepath.Join(folder, name+".key")
	if err := writeNew(keyFile, keyFileMode, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})); err != nil {
		return err
	}
	if err := writeNew(certFile, certFileMode, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})); err != nil {
		return errors.Join(err, os.Remove(keyFile)) // It belongs to nothing.
	}
	_, err = fmt.Fprintf(p.Stdout, "%s and %s, valid until %s\n", certFile, keyFile, template.NotAfter.Format(time.DateOnly))
	return err
}

func writeNew(name string, mode fs.FileMode, content []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return &usageError{fmt.Errorf("%s is there already: remove it first, or choose another name", name)}
	}
	if err != nil {
		return &usageError{err}
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Close())
}

func readAuthority(folder string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certificate, err := readPEM(filepath.Join(folder, authorityName+".pem"), "CERTIFICATE")
	if err != nil {
		return nil, nil, err
	}
	authority, err := x509.ParseCertificate(certificate)
	if err != nil {
		return nil, nil, fmt.Errorf("the authority's certificate does not parse: %w", err)
	}
	private, err := readPEM(filepath.Join(folder, authorityName+".key"), "PRIVATE KEY")
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("the authority's key does not parse: %w", err)
	}
	signer, is := key.(*ecdsa.PrivateKey)
	if !is {
		return nil, nil, errors.New("the authority's key is not of the kind that `raftplay cert authority` makes")
	}
	return authority, signer, nil
}

func readPEM(file, kind string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s: make an authority first, with `raftplay cert authority %s`", file, filepath.Dir(file))
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s holds no %s", file, kind)
	}
	return block.Bytes, nil
}
