// Command precompress writes a .br and a .gz beside every file of the built page that shrinks, prints what the page
// weighs, and fails when it weighs more than its budget. Compressed files are kept by content, so that only what changed
// is compressed again.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	site := flag.String("site", "static/dist", "folder of the built page")
	kept := flag.String("kept", "ui/build/compressed", "folder that keeps compressed files by content")
	only := flag.Bool("sizes", false, "compress nothing, print the sizes of what was compressed")
	flag.Parse()
	if err := run(*site, *kept, *only); err != nil {
		fmt.Fprintf(os.Stderr, "precompress: %v\n", err)
		os.Exit(1)
	}
}

func run(site, kept string, only bool) error {
	if !only {
		if err := compressAll(site, kept); err != nil {
			return err
		}
	}
	sizes, err := measure(site)
	if err != nil {
		return err
	}
	fmt.Print(table(sizes))
	return checkBudget(sizes)
}
