//go:build !js

package core

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	uiImport  = regexp.MustCompile(`(?m)(?:\bfrom|\bimport)\s*\(?\s*["'](\.{1,2}/[^"']*)["']`)
	uiPackage = regexp.MustCompile(`(?m)(?:\bfrom|\bimport)\s*\(?\s*["'](svelte[^"']*)["']`)
	uiDOM     = regexp.MustCompile(`\b(document|window|navigator|localStorage|sessionStorage|requestAnimationFrame|` +
		`(?:HTML|SVG)[A-Z]\w*|performance\.now|Date\.now|Math\.random)\b`)
	uiComment = regexp.MustCompile(`(?s)/\*.*?\*/|(?:^|[^:])//[^\n]*`)
	uiString  = regexp.MustCompile(`"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'`)
)

// checkUI lists what is wrong with one file of the page, named from ui on. It reads text, not syntax: enough to notice,
// not to be fooled on purpose.
func checkUI(name, source string) []string {
	folder, _, nested := strings.Cut(strings.TrimPrefix(name, "src/"), "/")
	if !nested {
		return nil
	}
	may, known := uiMayImport[folder]
	if !known {
		return []string{fmt.Sprintf("ui/%s: its folder is in no row of uiMayImport in core/walls_test.go: add the row", name)}
	}
	blank := func(text string) string { return regexp.MustCompile(`[^\n]`).ReplaceAllString(text, " ") }
	code := uiComment.ReplaceAllStringFunc(source, blank)
	var complaints []string
	complain := func(at int, what, rule string) {
		line := 1 + strings.Count(code[:at], "\n")
		complaints = append(complaints, fmt.Sprintf("ui/%s:%d: %s: %s", name, line, what, rule))
	}
	for _, m := range uiImport.FindAllStringSubmatchIndex(code, -1) {
		imported := code[m[2]:m[3]]
		target, inside := strings.CutPrefix(path.Join(path.Dir(name), imported), "src/")
		if !inside {
			if folder != "source" {
				complain(m[2], "imports "+imported, "only ui/src/source reaches outside ui/src, for the built cluster")
			}
			continue
		}
		if other, _, _ := strings.Cut(target, "/"); other != folder && !slices.Contains(may, other) {
			complain(m[2], "imports "+imported, "ui/src/"+folder+" may import "+listed(may, "nothing")+": let App.svelte hand it in")
		}
	}
	if folder == "model" {
		for _, m := range uiPackage.FindAllStringSubmatchIndex(code, -1) {
			complain(m[2], "imports "+code[m[2]:m[3]], "the model is plain TypeScript: keep components and reactivity in ui/src/view")
		}
		for _, m := range uiDOM.FindAllStringIndex(uiString.ReplaceAllStringFunc(code, blank), -1) {
			complain(m[0], "uses "+code[m[0]:m[1]], "the model is a fold over events, without page, clock or chance: keep this in ui/src/view")
		}
	}
	return complaints
}
