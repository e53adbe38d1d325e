// Package static holds the built page, embedded in the binary. `make ui` builds it into dist; until then dist holds
// nothing but .gitkeep and the binary has no page. The same folder can be served by any static host.
package static

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// FS returns the built page, its root being the page's root.
func FS() fs.FS {
	site, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // "dist" is a valid path
	}
	return site
}
