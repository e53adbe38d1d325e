//go:build !js

// The walls of the house, as tests. They stand in core, which depends on nothing, because core is what most of them
// protect; they read the sources of the whole repository. See docs/architecture.md.
package core

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// room is a folder and what the non-test files below it may import directly: packages of this module by folder, others by
// module or package path. Everything of the standard library may be imported, but in core; see the ban.
type room struct {
	folder string
	own    []string
	others []string
	// alone: the room does not hold the folders below it.
	alone bool
}

const (
	protobuf   = "google.golang.org/protobuf"
	raft       = "go.etcd.io/raft/v3"
	btree      = "github.com/tidwall/btree"
	grpc       = "google.golang.org/grpc"
	prometheus = "github.com/prometheus/client_golang"
)

// rooms is the import table. The first room that holds a file's folder is the one whose rules it keeps; a file in none of
// them breaks the wall too. A room may always import itself.
var rooms = []room{
	{folder: "core/pb", others: []string{protobuf}},
	{folder: "core/engine", own: []string{"core/pb"}, others: []string{btree}},
	{folder: "core/store", own: []string{"core/pb", "core/engine"}, others: []string{raft, protobuf, btree}},
	// What viewers make of events, for tests alone.
	{folder: "core/mirror/mirrortest", own: []string{"core/pb"}, others: []string{protobuf}},
	// The store's messages and roles are raft's own types.
	{folder: "core/mirror", own: []string{"core/store", "core/pb"}, others: []string{raft, protobuf}},
	{folder: "core/sim", own: []string{"core/mirror", "core/store", "core/engine", "core/pb"}, others: []string{raft, protobuf}},
	{folder: "core/check", own: []string{"core/pb"}, others: []string{protobuf, "github.com/anishathalye/porcupine"}},
	{folder: "core/session", own: []string{"core/sim", "core/check", "core/pb"}, others: []string{protobuf}},
	{folder: "core/scenario", own: []string{"core/session", "core/pb"}, others: []string{protobuf, "go.starlark.net"}},
	{folder: "core", alone: true},
	{folder: "wasm", own: []string{"core"}},
	{folder: "server/raftplay", own: []string{"core", "server", "static"}, others: []string{"github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/goccy/go-yaml", protobuf, prometheus}},
	// The services between processes: their schema and its generated code, which core must not carry into wasm.
	{folder: "server/rpc", own: []string{"core/pb"}, others: []string{protobuf, grpc}},
	{folder: "server/disk", own: []string{"core/engine", "core/pb"}, others: []string{"github.com/cockroachdb/pebble/v2", protobuf}},
	{folder: "server/peer", own: []string{"core/pb", "server/rpc"}, others: []string{protobuf, grpc}},
	// One live store: the loop around core/store.
	{folder: "server/node", own: []string{"core", "server/disk", "server/peer", "server/rpc"}, others: []string{
		raft, protobuf, prometheus,
	}},
	// For tests alone: goroutines that do not end.
	{folder: "server/leak"},
	// The one rule of tokens, for whoever lets somebody in.
	{folder: "server/token"},
	// What a live store serves to clients and watchers.
	{folder: "server/api", own: []string{"core/pb", "server/rpc", "server/token"}, others: []string{protobuf, grpc}},
	// Real stores behind real sockets, for the tests of what speaks to a cluster; nothing but tests imports it.
	{folder: "server/client/clienttest", own: []string{"core", "server/api", "server/rpc"}, others: []string{raft, protobuf, grpc}},
	{folder: "server/client", own: []string{"core/pb", "server/rpc"}, others: []string{protobuf, grpc}},
	{folder: "server/live", own: []string{"core/pb", "server/client", "server/rpc"}, others: []string{protobuf}},
	// Stores put together of their parts: one in a process, or several.
	{folder: "server/cluster", own: []string{
		"core", "server/node", "server/disk", "server/peer", "server/api", "server/rpc",
	}, others: []string{protobuf, grpc, prometheus, "github.com/cockroachdb/pebble/v2/vfs"}},
	{folder: "server/swarm", own: []string{"core"}, others: []string{protobuf}},
	// Nothing but tests: whatever they try to destruction.
	{folder: "server/torture"},
	// These measure and compare the core itself, natively and in wasm; a bare raft is what it is measured against.
	{folder: "server/bench/core", own: []string{"core"}, others: []string{raft, protobuf}},
	{folder: "server/bench/seeds", own: []string{"core"}},
	{folder: "server/bench", own: []string{"core/pb", "server/client"}, others: []string{protobuf, "github.com/gorilla/websocket"}},
	{folder: "server/web/precompress", others: []string{"github.com/andybalholm/brotli"}},
	{folder: "server/web", own: []string{"core/pb", "server/token", "static"}, others: []string{
		protobuf, "github.com/gorilla/websocket", prometheus,
	}},
	{folder: "static"},
}

func TestGoKeepsTheImportTable(t *testing.T) {
	root := os.DirFS("..")
	checked := 0
	for _, folder := range []string{"core", "wasm", "server", "static"} {
		visit(t, root, folder, []string{".go"}, func(name string, source []byte) {
			checked++
			for _, complaint := range checkGo(name, source) {
				t.Error(complaint)
			}
		})
	}
	if checked < 20 {
		t.Errorf("only %d files were checked: the walls stand in the wrong place", checked)
	}
}

// visit shows look every file below folder that is not a test and has one of the suffixes.
func visit(t *testing.T, root fs.FS, folder string, suffixes []string, look func(name string, source []byte)) {
	t.Helper()
	err := fs.WalkDir(root, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if entry.Name() == "node_modules" || entry.Name() == "testdata" {
				return fs.SkipDir
			}
			// A module of its own is beyond the walls: nothing here can import it, and it imports nothing of this module.
			if _, err := fs.Stat(root, path.Join(name, "go.mod")); err == nil {
				return fs.SkipDir
			}
			return nil
		}
		wanted := false
		for _, suffix := range suffixes {
			test := strings.HasSuffix(name, "_test"+suffix) || strings.HasSuffix(name, ".test"+suffix)
			wanted = wanted || strings.HasSuffix(name, suffix) && !test
		}
		if !wanted {
			return nil
		}
		source, err := fs.ReadFile(root, name)
		if err == nil {
			look(name, source)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// checkImport says what is wrong with a file's import, or "".
func checkImport(file, imported string) string {
	r, found := roomOf(path.Dir(file))
	if !found {
		return "its folder is in no row of the import table in core/walls_test.go: add the row, and say there why"
	}
	if own, ok := strings.CutPrefix(imported, "raftplay/"); ok {
		if within(own, r.folder) || withinAny(own, r.own) {
			return ""
		}
		return fmt.Sprintf("%s may import %s: take what %s offers through one of these, or let its caller hand it in",
			r.folder, listed(r.own, "nothing of this module"), own)
	}
	standard := !strings.Contains(strings.SplitN(imported, "/", 2)[0], ".")
	if standard || withinAny(imported, r.others) {
		return ""
	}
	return fmt.Sprintf("%s may use %s: keep %s behind the folder that owns it",
		r.folder, listed(r.others, "no other module"), imported)
}

func roomOf(folder string) (room, bool) {
	for _, r := range rooms {
		if folder == r.folder || !r.alone && within(folder, r.folder) {
			return r, true
		}
	}
	return room{}, false
}

// within tells whether a path is folder or lies below it.
func within(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }

func withinAny(name string, folders []string) bool {
	for _, folder := range folders {
		if within(name, folder) {
			return true
		}
	}
	return false
}

func listed(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return "only " + strings.Join(names, ", ")
}

// uiMayImport is the page's import table: folder of ui/src, and the folders it may import. What is below a folder belongs
// to it; files directly in ui/src wire everything.
var uiMayImport = map[string][]string{
	"pb":    {},
	"model": {"pb"},
	// What plays a live cluster folds its events as every viewer does, to know where it stands: see docs/decisions/walls.md.
	"source": {"pb", "model"},
	"view":   {"pb", "source", "model"},
}

func TestThePageKeepsTheImportTable(t *testing.T) {
	root := os.DirFS(filepath.Join("..", "ui"))
	visit(t, root, "src", []string{".ts", ".svelte", ".js"}, func(name string, source []byte) {
		for _, complaint := range checkUI(name, string(source)) {
			t.Error(complaint)
		}
	})
}
