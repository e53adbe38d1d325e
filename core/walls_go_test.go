//go:build !js

package core

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strconv"
	"strings"
)

// bannedInCore are packages of the standard library that would let something in from outside a run.
var bannedInCore = []struct{ pkg, instead string }{
	{"os", "take what it would read as an argument, and return what it would write"},
	{"io/ioutil", "take what it would read as an argument"},
	{"net", "let the driver carry messages: Store.Step takes them in, Ready hands them out"},
	{"syscall", "keep the browser and the system in wasm/ and server/"},
	{"runtime", "keep what depends on the machine in wasm/ and server/"},
	{"log", "return an error, or tell an observer"},
	{"crypto/rand", "draw from one of the run's named streams"},
	{"math/rand", "use math/rand/v2 with a source from the run's seed"},
	{"plugin", "import the package"},
}

// onlyTimer may look inside raft, and nothing else in core inside anything.
const onlyTimer = "core/store/timer.go"

// allowedOf lists what core may use of packages that hold both pure and impure things.
var allowedOf = map[string]struct {
	names   string
	instead string
}{
	"time": {
		" Duration Nanosecond Microsecond Millisecond Second Minute Hour ",
		"use the Now of the store's configuration, or the world's virtual time",
	},
	"math/rand/v2": {
		" Rand Source PCG ChaCha8 Zipf New NewPCG NewChaCha8 NewZipf ",
		"draw from one of the run's named streams: the global functions are seeded by the system",
	},
}

// checkGo lists what is wrong with one Go file that is not a test.
func checkGo(name string, source []byte) []string {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.ParseComments)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", name, err)}
	}
	var complaints []string
	complain := func(at token.Pos, what, rule string) {
		complaints = append(complaints, fmt.Sprintf("%s:%d: %s: %s", name, files.Position(at).Line, what, rule))
	}
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		if rule := checkImport(name, imported); rule != "" {
			complain(spec.Pos(), "imports "+imported, rule)
		}
		if within(name, "core") && !ast.IsGenerated(file) {
			if rule := checkCoreImport(name, imported, spec); rule != "" {
				complain(spec.Pos(), "imports "+imported, rule)
			}
		}
	}
	if within(name, "core") && !ast.IsGenerated(file) {
		checkCore(file, complain)
	}
	return complaints
}

func checkCoreImport(name, imported string, spec *ast.ImportSpec) string {
	if spec.Name != nil && spec.Name.Name == "." {
		return "core names what it uses of a package: import it under a name"
	}
	if (imported == "unsafe" || imported == "reflect") && name != onlyTimer {
		return "only " + onlyTimer + " looks inside another package's values: use types and interfaces"
	}
	for _, banned := range bannedInCore {
		// math/rand/v2 is another package than math/rand.
		if within(imported, banned.pkg) && imported != "math/rand/v2" {
			return "core has no " + banned.pkg + ": " + banned.instead
		}
	}
	return ""
}

// checkCore looks for what would make two runs of the same actions differ.
func checkCore(file *ast.File, complain func(at token.Pos, what, rule string)) {
	packages := map[string]string{}
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		local := path.Base(strings.TrimSuffix(imported, "/v2"))
		if spec.Name != nil {
			local = spec.Name.Name
		}
		packages[local] = imported
	}
	const noFloats = "processors round differently, and hashes with them: use integers, say parts per million"
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.GoStmt:
			complain(n.Pos(), "starts a goroutine", "core is one thread of events: let the driver call it, or use iter.Pull")
		case *ast.BasicLit:
			if n.Kind == token.FLOAT || n.Kind == token.IMAG {
				complain(n.Pos(), "has the number "+n.Value, noFloats)
			}
		case *ast.Ident:
			switch n.Name {
			case "float32", "float64", "complex64", "complex128":
				complain(n.Pos(), "uses "+n.Name, noFloats)
			}
		case *ast.SelectorExpr:
			local, ok := n.X.(*ast.Ident)
			if !ok || local.Obj != nil { // a variable of the same name hides the package
				return true
			}
			if allowed, limited := allowedOf[packages[local.Name]]; limited && !strings.Contains(allowed.names, " "+n.Sel.Name+" ") {
				complain(n.Pos(), "uses "+local.Name+"."+n.Sel.Name, allowed.instead)
			}
		}
		return true
	})
}
