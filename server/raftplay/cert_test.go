package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestACertificateThatNobodyCouldUseIsNotMade(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "secrets")
	if code, _, stderr := try(t, "cert", "authority", folder); code != exitFine {
		t.Fatal(stderr)
	}
	for _, host := range []string{"10.0.0.1:7000", "https://store1", "a b", "größe.example", `""`, "[::1]"} {
		code, _, stderr := try(t, "cert", "issue", folder, "store1", "--host", host)
		if code != exitUsage || !strings.Contains(stderr, "--host") {
			t.Errorf("%s: code %d, %s", host, code, stderr)
		}
		oneSentence(t, host, stderr)
	}
	for _, host := range []string{"10.0.0.1", "::1", "store1.example", "store_1", "*.store.example"} {
		name := strings.Map(func(r rune) rune {
			if strings.ContainsRune(".:_*", r) {
				return '-'
			}
			return r
		}, "of"+host)
		if code, _, stderr := try(t, "cert", "issue", folder, name, "--host", host); code != exitFine {
			t.Errorf("%s: code %d, %s", host, code, stderr)
		}
	}
}

func TestAKeyWithoutItsCertificateIsNotLeft(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "secrets")
	if code, _, stderr := try(t, "cert", "authority", folder); code != exitFine {
		t.Fatal(stderr)
	}
	if err := os.WriteFile(filepath.Join(folder, "admin.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := try(t, "cert", "issue", folder, "admin"); code != exitUsage {
		t.Errorf("code %d", code)
	}
	if _, err := os.Stat(filepath.Join(folder, "admin.key")); err == nil {
		t.Error("a key was left that belongs to nothing")
	}
}

func TestACertificateSaysItIsValidForAsLongAsItsAuthorityIs(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "secrets")
	_, authority, _ := try(t, "cert", "authority", folder)
	_, issued, _ := try(t, "cert", "issue", folder, "admin", "--days", "3650")
	until := func(text string) string { return text[strings.LastIndex(text, " "):] }
	if authority == "" || issued == "" || until(authority) != until(issued) {
		t.Errorf("%s%s", authority, issued)
	}
	certificate, _, err := readAuthority(folder)
	if err != nil {
		t.Fatal(err)
	}
	template, err := newTemplate("late", 3650)
	if err != nil {
		t.Fatal(err)
	}
	template.NotAfter = certificate.NotAfter.AddDate(1, 0, 0)
	if err := within(template, certificate); err != nil || !template.NotAfter.Equal(certificate.NotAfter) {
		t.Errorf("it outlives its authority: %v, %v", template.NotAfter, err)
	}
	template.NotBefore = certificate.NotAfter.AddDate(0, 0, 1)
	if err := within(template, certificate); err == nil {
		t.Error("an authority that has expired signs")
	}
}

func TestACertificateOfOneStoreDoesNotStartAnother(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "secrets")
	for _, args := range [][]string{
		{"cert", "authority", folder}, {"cert", "issue", folder, "store1", "--store", "1", "--host", "127.0.0.1"}, {"cert", "issue", folder, "admin"},
	} {
		if code, _, stderr := try(t, args...); code != exitFine {
			t.Fatal(stderr)
		}
	}
	if code, _, stderr := try(t, "cert", "issue", folder, "store2", "--store", "2"); code != exitUsage || !strings.Contains(stderr, "--host") {
		t.Errorf("without a host: code %d, %s", code, stderr)
	}
	for name, want := range map[string]string{
		"store1": "the certificate is of raftplay://store/1, and not of S2", "admin": "the certificate is a client's, and no store's",
	} {
		file := filepath.Join(folder, name)
		code, _, stderr := try(t, "store", "--id", "2", "--peers", "2=127.0.0.1:1", "--data-dir", t.TempDir(),
			"--tls-ca", filepath.Join(folder, "ca.pem"), "--tls-cert", file+".pem", "--tls-key", file+".key")
		if code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: code %d, %s", name, code, stderr)
		}
		oneSentence(t, name, stderr)
	}
}
