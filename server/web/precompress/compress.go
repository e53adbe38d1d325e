package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/andybalholm/brotli"
)

// encodings are written beside each file, at their strongest: this is done once, and sent often.
var encodings = []struct {
	suffix string
	writer func(io.Writer) (io.WriteCloser, error)
}{
	{".br", func(w io.Writer) (io.WriteCloser, error) {
		return brotli.NewWriterOptions(w, brotli.WriterOptions{Quality: brotli.BestCompression, LGWin: 24}), nil
	}},
	{".gz", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestCompression) }},
}

// plainSuffixes are compressed already.
var plainSuffixes = map[string]bool{".png": true, ".woff2": true, ".br": true, ".gz": true}

// compressAll compresses every file of site, a few at a time.
func compressAll(site, kept string) error {
	if err := os.MkdirAll(kept, 0o755); err != nil {
		return err
	}
	names, err := plainFiles(site)
	if err != nil {
		return err
	}
	var (
		group sync.WaitGroup
		seats = make(chan struct{}, runtime.GOMAXPROCS(0))
		errs  = make([]error, len(names)*len(encodings))
	)
	for i, name := range names {
		for j := range encodings {
			group.Go(func() {
				seats <- struct{}{}
				defer func() { <-seats }()
				errs[i*len(encodings)+j] = compressOne(filepath.Join(site, name), kept, j)
			})
		}
	}
	group.Wait()
	return errors.Join(errs...)
}

// plainFiles lists the files of site that are worth compressing, relative to it, in order of name.
func plainFiles(site string) ([]string, error) {
	var names []string
	err := fs.WalkDir(os.DirFS(site), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Base(name)[0] != '.' && !plainSuffixes[filepath.Ext(name)] {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

// compressOne writes file's encoding beside it, unless that is no smaller than the file.
func compressOne(file, kept string, encoding int) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	suffix := encodings[encoding].suffix
	keptFile := filepath.Join(kept, hex.EncodeToString(sum[:])+suffix)
	small, err := os.ReadFile(keptFile)
	if errors.Is(err, fs.ErrNotExist) {
		if small, err = compress(body, encoding); err == nil {
			err = writeWhole(keptFile, small)
		}
	}
	if err != nil {
		return fmt.Errorf("compress %s: %w", file, err)
	}
	if len(small) >= len(body) {
		return nil
	}
	return os.WriteFile(file+suffix, small, 0o644)
}

func compress(body []byte, encoding int) ([]byte, error) {
	var out bytes.Buffer
	w, err := encodings[encoding].writer(&out)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// writeWhole leaves either the whole file or none, also when it is interrupted.
func writeWhole(name string, body []byte) error {
	if err := os.WriteFile(name+".part", body, 0o644); err != nil {
		return err
	}
	return os.Rename(name+".part", name)
}
