package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// runBytesMax bounds a run's file. The longest run that a page exports is far smaller.
const runBytesMax = 64 << 20

// readRun reads an exported run. Its errors are one sentence for who gave the file.
func readRun(name string, stdin io.Reader) (*sessionpb.Run, error) {
	in, called := stdin, "standard input"
	if name != "-" {
		called = name
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("cannot read the run: %w", err)
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, runBytesMax+1))
	if pathError := new(fs.PathError); errors.As(err, &pathError) {
		return nil, fmt.Errorf("cannot read the run: %w", err)
	} else if err != nil {
		return nil, fmt.Errorf("cannot read the run from %s: %w", called, err)
	}
	if len(text) > runBytesMax {
		return nil, fmt.Errorf("%s is longer than %d MiB, which no exported run is", called, runBytesMax>>20)
	}
	run := &sessionpb.Run{}
	if err := protojson.Unmarshal(text, run); err != nil {
		return nil, fmt.Errorf("%s is not an exported run: %s", called, plain(err))
	}
	return run, nil
}

// plain is protojson's message, without the prefix and the odd spaces by which it varies.
func plain(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return strings.TrimPrefix(strings.Join(strings.Fields(text), " "), "proto: ")
}
