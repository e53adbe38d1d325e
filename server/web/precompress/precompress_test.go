package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

// build writes a page into a new folder.
func build(t *testing.T, files map[string]string) string {
	t.Helper()
	site := t.TempDir()
	for name, content := range files {
		file := filepath.Join(site, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return site
}

// noise does not shrink.
func noise(length int) string {
	random := rand.NewChaCha8([32]byte{7})
	b := make([]byte, length)
	_, _ = random.Read(b)
	return string(b)
}

func TestFilesAreCompressedBesideThemselves(t *testing.T) {
	text := strings.Repeat("follower candidate leader ", 400)
	site := build(t, map[string]string{
		"index.html": text, "assets/app.js": text + "!", "icon.png": text, "noise.bin": noise(1000), ".gitkeep": "",
	})
	if err := run(site, t.TempDir(), false); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"index.html": text, "assets/app.js": text + "!"} {
		if got := read(t, filepath.Join(site, name+".br"), brotliReader); got != want {
			t.Errorf("%s.br holds %d bytes, want %d", name, len(got), len(want))
		}
		if got := read(t, filepath.Join(site, name+".gz"), gzipReader); got != want {
			t.Errorf("%s.gz holds %d bytes, want %d", name, len(got), len(want))
		}
	}
	for _, name := range []string{"icon.png.br", "noise.bin.br", "noise.bin.gz", ".gitkeep.gz"} {
		if _, err := os.Stat(filepath.Join(site, name)); err == nil {
			t.Errorf("%s was written for nothing", name)
		}
	}
}

func TestWhatWasCompressedOnceIsKept(t *testing.T) {
	site, kept := build(t, map[string]string{"index.html": strings.Repeat("term ", 100)}), t.TempDir()
	if err := run(site, kept, false); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(kept, "*.br"))
	if err != nil || len(files) != 1 {
		t.Fatalf("kept %v, error %v", files, err)
	}
	if err := os.WriteFile(files[0], []byte("kept"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(site, kept, false); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(site, "index.html.br")); string(got) != "kept" {
		t.Errorf("compressed again: %q", got)
	}
}

func TestAPageOverItsBudgetFails(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		want  string
	}{
		{map[string]string{"index.html": "a.js", "a.js": noise(2_000_000)}, ""},
		{map[string]string{"index.html": "a.js", "a.js": noise(2_100_000)}, "the first load weighs 2100.0 kB"},
		{map[string]string{"index.html": "", "worker-1.js": noise(2_100_000)}, "the first load weighs 2100.0 kB"},
		{map[string]string{"index.html": "a.js", "a.js": "", "b.js": noise(2_100_000)}, ""},
		{map[string]string{"index.html": "", "a.wasm": noise(1_900_000)}, "the wasm weighs 1900.0 kB"},
		{nil, "there is no page"},
	} {
		err := run(build(t, c.files), t.TempDir(), true)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func read(t *testing.T, file string, decoder func(io.Reader) (io.Reader, error)) string {
	t.Helper()
	compressed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := decoder(bytes.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

func brotliReader(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil }
func gzipReader(r io.Reader) (io.Reader, error)   { return gzip.NewReader(r) }
