package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A `serve` with a cluster leaves a note of its endpoints while it runs, so that `ctl` and `bench` on the same machine find
// it. The latest one to start has the note.

// endpointsNote is what the file holds.
type endpointsNote struct {
	PID       int      `json:"pid"`
	Endpoints []string `json:"endpoints"`
}

const endpointsNoteBytesMax = 64 << 10

func endpointsFile() (string, error) {
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no place for the endpoints: %w", err)
	}
	return filepath.Join(folder, "raftplay", "endpoints"), nil
}

// writeEndpoints leaves the note. What it returns takes the note away, unless another process has left its own since.
func writeEndpoints(endpoints []string) (remove func() error, err error) {
	name, err := endpointsFile()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(endpointsNote{PID: os.Getpid(), Endpoints: endpoints})
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, fmt.Errorf("note the endpoints: %w", err)
	}
	draft := fmt.Sprintf("%s.%d", name, os.Getpid())
	if err := os.WriteFile(draft, append(text, '\n'), 0o600); err != nil {
		return nil, fmt.Errorf("note the endpoints: %w", err)
	}
	if err := os.Rename(draft, name); err != nil {
		return nil, fmt.Errorf("note the endpoints: %w", err)
	}
	return func() error {
		note, err := readNote(name)
		if err != nil || note.PID != os.Getpid() {
			return nil
		}
		return os.Remove(name)
	}, nil
}

// readEndpoints returns the endpoints of the `serve` on this machine. A note whose process has ended is none.
func readEndpoints() ([]string, error) {
	name, err := endpointsFile()
	if err != nil {
		return nil, err
	}
	note, err := readNote(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("no cluster is served on this machine: start one with `raftplay serve`, or name --endpoints")
	case err != nil:
		return nil, err
	case !runs(note.PID):
		return nil, errors.New("the cluster served last on this machine has ended: start one with `raftplay serve`, or name --endpoints")
	}
	return note.Endpoints, nil
}

func readNote(name string) (*endpointsNote, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > endpointsNoteBytesMax {
		return nil, fmt.Errorf("%s is too long for a note of endpoints", name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	note := &endpointsNote{}
	if err := json.Unmarshal(text, note); err != nil || note.PID < 1 || len(note.Endpoints) == 0 {
		return nil, fmt.Errorf("%s is not a note of endpoints: remove it, or name --endpoints", name)
	}
	return note, nil
}

// runs tells whether a process is there, as far as the system says; one that may not be asked is.
func runs(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer func() { _ = process.Release() }()
	return !errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
