package cluster

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	raftcmdpb "raftplay/core/pb/raftcmdpb/v1"

	"raftplay/server/client"
)

// The folder was written when the format was set. It is written anew only when an older version need not be read any more:
//
//	go test ./server/cluster -run EarlierVersion -rewrite-folder
var rewriteFolder = flag.Bool("rewrite-folder", false, "write testdata/store-1 with this version")

const earlierKeys = 40

func TestAFolderOfAnEarlierVersionIsOpenedAndServes(t *testing.T) {
	kept := filepath.Join("testdata", "store-1")
	if *rewriteFolder {
		if err := os.RemoveAll(kept); err != nil {
			t.Fatal(err)
		}
		writeEarlier(t, kept)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "store-1"), os.DirFS(kept)); err != nil {
		t.Fatal(err)
	}
	e, err := OpenEmbedded(EmbeddedConfig{Stores: 1, DataDir: dir, Timing: quick})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	c, err := client.Open(client.Config{Endpoints: e.Endpoints()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range earlierKeys {
		mustHold(t, c, fmt.Sprintf("key%02d", i), fmt.Sprint("value", i))
	}
	regions, err := c.Regions(within(t))
	if err != nil || len(regions) != 2 || string(regions[1].Region.GetStartKey()) != "key20" {
		t.Errorf("the regions are %v, %v", regions, err)
	}
	if _, found, err := c.Get(within(t), []byte("gone"), raftcmdpb.ReadMode_READ_MODE_READ_INDEX); err != nil || found {
		t.Errorf("a key that was deleted is there: %v, %v", found, err)
	}
	mustPut(t, c, "key99", "new")
}

// writeEarlier has one store hold two regions, a compacted log and a deleted key.
func writeEarlier(t *testing.T, folder string) {
	t.Helper()
	dir := t.TempDir()
	e, err := OpenEmbedded(EmbeddedConfig{Stores: 1, DataDir: dir, Timing: quick})
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Open(client.Config{Endpoints: e.Endpoints()})
	if err != nil {
		t.Fatal(err)
	}
	for i := range earlierKeys {
		mustPut(t, c, fmt.Sprintf("key%02d", i), fmt.Sprint("value", i))
	}
	mustPut(t, c, "gone", "soon")
	if _, err := c.Delete(within(t), []byte("gone")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Split(within(t), []byte("key20")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CompactLog(within(t), 1, 0); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(dir, "store-1"))); err != nil {
		t.Fatal(err)
	}
}
