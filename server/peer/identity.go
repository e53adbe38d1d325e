package peer

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/credentials"
	grpcpeer "google.golang.org/grpc/peer"
)

// identityScheme is of the URIs by which a certificate says which store it is of.
const identityScheme = "raftplay"

// StoreURI is what a certificate holds, as a URI among its subject's alternative names, to be of that store alone:
// raftplay://store/1. One that holds none may be of any store.
func StoreURI(storeID uint64) *url.URL {
	return &url.URL{Scheme: identityScheme, Host: "store", Path: "/" + strconv.FormatUint(storeID, 10)}
}

// CheckStore says why a store cannot use the files' certificate, or nil: others would refuse it.
func CheckStore(files TLSFiles, storeID uint64) error {
	if files.Cert == "" {
		return nil
	}
	own, err := readCertificate(files)
	if err != nil {
		return err
	}
	if err := mayBeStore(own.Leaf, storeID); err != nil {
		return fmt.Errorf("%s: %w", files.Cert, err)
	}
	return nil
}

// isOf says why a certificate is not of the store, or nil.
func isOf(certificate *x509.Certificate, storeID uint64) error {
	var others []string
	for _, uri := range certificate.URIs {
		if uri.Scheme != identityScheme {
			continue
		}
		if uri.String() == StoreURI(storeID).String() {
			return nil
		}
		others = append(others, uri.String())
	}
	if len(others) > 0 {
		return fmt.Errorf("the certificate is of %s, and not of S%d", strings.Join(others, ", "), storeID)
	}
	return nil
}

// mayBeStore says why who shows a certificate is not to speak as the store, or nil. A client's certificate, which is good
// for no server, is not a store's.
func mayBeStore(certificate *x509.Certificate, storeID uint64) error {
	unbound := len(certificate.ExtKeyUsage) == 0 && len(certificate.UnknownExtKeyUsage) == 0
	if !unbound && !slices.ContainsFunc(certificate.ExtKeyUsage, func(usage x509.ExtKeyUsage) bool {
		return usage == x509.ExtKeyUsageServerAuth || usage == x509.ExtKeyUsageAny
	}) {
		return errors.New("the certificate is a client's, and no store's")
	}
	return isOf(certificate, storeID)
}

// shown is the certificate that the other end of a stream has shown; nil if none.
func shown(ctx context.Context) *x509.Certificate {
	p, _ := grpcpeer.FromContext(ctx)
	if p == nil {
		return nil
	}
	return leafOf(p.AuthInfo)
}

func leafOf(info credentials.AuthInfo) *x509.Certificate {
	if secured, is := info.(credentials.TLSInfo); is && len(secured.State.PeerCertificates) > 0 {
		return secured.State.PeerCertificates[0]
	}
	return nil
}
