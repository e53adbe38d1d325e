package cluster

import (
	"strings"
	"testing"
)

func TestPeersAreReadAsTheyAreWritten(t *testing.T) {
	peers, err := ParsePeers("2=b.example:7000, 1=10.0.0.1:7000,3=[::1]:7001")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := peers.String(), "1=10.0.0.1:7000,2=b.example:7000,3=[::1]:7001"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	again, err := ParsePeers(peers.String())
	if err != nil || again.String() != peers.String() || again.clusterID() != peers.clusterID() {
		t.Errorf("read again: %v, %v", again, err)
	}
	other, err := ParsePeers("1=10.0.0.1:7000,2=b.example:7000,3=[::1]:7002")
	if err != nil || other.clusterID() == peers.clusterID() {
		t.Errorf("other peers make the same cluster %d, %v", other.clusterID(), err)
	}
}

func TestPeersThatCannotBeAreOneSentence(t *testing.T) {
	for text, want := range map[string]string{
		"":                "is no peer: peers are written as 1=host:port,2=host:port",
		"1":               "is no peer",
		"1=a:1,":          "is no peer",
		"0=a:1":           "a store's id is a number from 1 to 999",
		"1000=a:1":        "a store's id is a number from 1 to 999",
		"x=a:1":           "a store's id is a number from 1 to 999",
		"1=a:1,1=b:1":     "store 1 is named twice",
		"2=a:1,1=a:1":     "stores 1 and 2 have the same address a:1",
		"1=a":             `store 1: "a" is no address`,
		"1=a:b":           `store 1: "a:b" has no port`,
		"1=a:0":           `"a:0" has no port`,
		"1=a:99999":       `"a:99999" has no port`,
		"1=:7000":         "must name the host",
		"1=http://a:7000": "is no address",
	} {
		_, err := ParsePeers(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
