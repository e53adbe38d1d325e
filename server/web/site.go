package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// ErrNotBuilt says that the page's files are missing: the binary was built before the page.
var ErrNotBuilt = errors.New("the page was not built into this binary: run `make build`")

// indexFile is the page itself, also served as "/".
const indexFile = "index.html"

// hashedFolder holds the files whose names carry a hash of their content, so that they never change.
const hashedFolder = "assets/"

// site is a table of the files to serve, read once.
type site map[string]*file

// file is one file of the page in every encoding it was built in.
type file struct {
	contentType  string
	cacheControl string
	// variants begins with the smallest encodings and ends with identity, which is always there.
	variants []variant
}

type variant struct {
	encoding string
	etag     string
	body     []byte
}

// encodings lists the encodings that a build writes beside a file, the preferred first.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

// loadSite reads every file of files. A file named like another plus ".br" or ".gz" is that one's encoding, not a file
// of its own; hidden files are left out. Without a page it returns ErrNotBuilt.
func loadSite(files fs.FS) (site, error) {
	if _, err := fs.Stat(files, indexFile); err != nil {
		return nil, ErrNotBuilt
	}
	s := site{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if hidden := name != "." && strings.HasPrefix(path.Base(name), "."); hidden {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() || isEncodingOfAnother(files, name) {
			return nil
		}
		s[name], err = loadFile(files, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	return s, nil
}

func isEncodingOfAnother(files fs.FS, name string) bool {
	for _, e := range encodings {
		if plain, found := strings.CutSuffix(name, e.suffix); found {
			if _, err := fs.Stat(files, plain); err == nil {
				return true
			}
		}
	}
	return false
}

func loadFile(files fs.FS, name string) (*file, error) {
	f := &file{contentType: contentType(name), cacheControl: "no-cache"}
	if strings.HasPrefix(name, hashedFolder) {
		f.cacheControl = "public, max-age=31536000, immutable"
	}
	for _, e := range encodings {
		body, err := fs.ReadFile(files, name+e.suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		f.variants = append(f.variants, newVariant(e.name, body))
	}
	body, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	f.variants = append(f.variants, newVariant(identity, body))
	return f, nil
}

func newVariant(encoding string, body []byte) variant {
	sum := sha256.Sum256(body)
	return variant{encoding: encoding, etag: `"` + hex.EncodeToString(sum[:12]) + `"`, body: body}
}

// contentTypes does not ask the operating system, whose tables differ.
var contentTypes = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".mjs":         "text/javascript; charset=utf-8",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".wasm":        "application/wasm",
	".webmanifest": "application/manifest+json",
	".woff2":       "font/woff2",
}

func contentType(name string) string {
	if t, found := contentTypes[path.Ext(name)]; found {
		return t
	}
	return "application/octet-stream"
}
