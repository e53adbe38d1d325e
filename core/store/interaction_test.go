package store

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/cockroachdb/datadriven"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/rafttest"
)

// scriptsMin is how many interaction scripts raft v3.7.0 has.
const scriptsMin = 28

// Raft's own interaction scripts set election timeouts from inside its test package. Here the same scripts, with the
// transcripts that raft's authors expect, run on timeouts that timer.go sets; and what timer.go sees inside a node must
// agree, after every command of every script, with what the node says of itself.
func TestRaftsInteractionScriptsPassWithOurTimer(t *testing.T) {
	scripts, err := filepath.Glob(filepath.Join(scriptsFolder(), "*.txt"))
	if err != nil || len(scripts) == 0 {
		t.Skipf("raft's sources, with the scripts, are out of reach at %s: %v", scriptsFolder(), err)
	}
	if len(scripts) < scriptsMin {
		t.Errorf("%d scripts at %s; raft v3.7.0 has %d", len(scripts), scriptsFolder(), scriptsMin)
	}
	for _, script := range scripts {
		t.Run(filepath.Base(script), func(t *testing.T) {
			set := 0
			env := rafttest.NewInteractionEnv(&rafttest.InteractionOpts{
				SetRandomizedElectionTimeout: func(rn *raft.RawNode, ticks int) { *look(t, rn).timeout = ticks },
			})
			datadriven.RunTest(t, script, func(t *testing.T, d *datadriven.TestData) string {
				output := env.Handle(t, *d)
				for i, node := range env.Nodes {
					if i >= set { // raft has drawn a timeout for a new node; any other of the range must do as well
						*look(t, node.RawNode).timeout = node.Config.ElectionTick + i%node.Config.ElectionTick
						set++
					}
					agrees(t, d.Pos, node.RawNode)
				}
				return output
			})
		})
	}
}

func look(t *testing.T, rn *raft.RawNode) inside {
	t.Helper()
	view, err := openInside(rn)
	must(t, err)
	return view
}

// agrees wants the inside of a node to be what the node says it is.
func agrees(t *testing.T, place string, rn *raft.RawNode) {
	t.Helper()
	view, status := look(t, rn), rn.BasicStatus()
	if *view.term != status.GetTerm() || *view.vote != status.GetVote() || *view.lead != status.Lead || *view.state != status.RaftState {
		t.Errorf("%s: seen inside node %d: term %d, vote %d, leader %d, %s; it says: %v",
			place, status.ID, *view.term, *view.vote, *view.lead, *view.state, status)
	}
}

// scriptsFolder is where raft's sources were when this test was compiled: raft's own test package, which the scripts
// belong to, cannot be imported.
func scriptsFolder() string {
	file := ""
	env := rafttest.NewInteractionEnv(&rafttest.InteractionOpts{
		OnConfig: func(*raft.Config) { _, file, _, _ = runtime.Caller(1) },
	})
	_ = env.AddNodes(1, raft.Config{ElectionTick: 2, HeartbeatTick: 1, MaxInflightMsgs: 1}, nil)
	if folder := filepath.Join(filepath.Dir(file), "..", "testdata"); filepath.IsAbs(folder) {
		return folder
	}
	// Built with -trimpath, the name is module@version/….
	cache := os.Getenv("GOMODCACHE")
	if cache == "" {
		cache = filepath.Join(os.Getenv("HOME"), "go", "pkg", "mod")
	}
	return filepath.Join(cache, filepath.Dir(file), "..", "testdata")
}
