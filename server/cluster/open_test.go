package cluster

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"raftplay/server/disk"
)

// mustBeFree fails the test unless somebody may listen there.
func mustBeFree(t *testing.T, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Errorf("the port is still held: %v", err)
		return
	}
	_ = listener.Close()
}

func TestAStoreThatCannotOpenHoldsNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, dir := listener.Addr().String(), t.TempDir()
	wrongTiming := Config{StoreID: 1, Peers: Peers{1: address}, Listener: listener, DataDir: dir, Timing: Timing{ElectionTicks: 1}}
	if _, err := Open(wrongTiming); !errors.Is(err, ErrConfig) {
		t.Fatalf("it says %v", err)
	}
	mustBeFree(t, address)
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{StoreID: 1, Peers: Peers{1: address}, DataDir: dir}); !errors.Is(err, disk.ErrForeign) {
		t.Fatalf("it says %v", err)
	}
	mustBeFree(t, address)
}

func TestOneBadFolderLeavesNothingOfTheOtherStores(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "store-2")
	if err := os.WriteFile(bad, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenEmbedded(EmbeddedConfig{Stores: 3, DataDir: dir, Timing: quick}); !errors.Is(err, disk.ErrNotFolder) {
		t.Fatalf("it says %v", err)
	}
	if err := os.Remove(bad); err != nil {
		t.Fatal(err)
	}
	three(t, EmbeddedConfig{DataDir: dir})
}

// A store that begins with other stores than the ones before would have another first region than theirs.
func TestAFolderOfAnotherNumberOfStoresIsRefused(t *testing.T) {
	dir := t.TempDir()
	open := func(stores int) error {
		e, err := OpenEmbedded(EmbeddedConfig{Stores: stores, DataDir: dir, Timing: quick})
		if err != nil {
			return err
		}
		return e.Close()
	}
	if err := open(3); err != nil {
		t.Fatal(err)
	}
	for _, stores := range []int{1, 2, 4, 5} {
		err := open(stores)
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "holds a cluster of 3 stores, not of") {
			t.Errorf("%d stores: %v", stores, err)
		}
	}
	for _, name := range []string{"store-4", "store-5"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s was made", name)
		}
	}
	if err := open(3); err != nil {
		t.Error(err)
	}
}

// The stores' ports have no TLS.
func TestStoresOfOneProcessListenOnThisMachineAlone(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:7000"} {
		e, err := OpenEmbedded(EmbeddedConfig{Stores: 1, DataDir: t.TempDir(), Listen: listen, Timing: quick})
		if err == nil {
			_ = e.Close()
		}
		if !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", listen, err)
		}
	}
	for _, listen := range []string{"127.0.0.1:70000", "127.0.0.1:65535", "127.0.0.1:-1"} {
		e, err := OpenEmbedded(EmbeddedConfig{Stores: 3, DataDir: t.TempDir(), Listen: listen, Timing: quick})
		if err == nil {
			_ = e.Close()
		}
		if !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", listen, err)
		}
	}
}
