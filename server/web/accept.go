package web

import (
	"strconv"
	"strings"
)

// identity is the name of "no encoding".
const identity = "identity"

// choose returns the variant that an Accept-Encoding header likes best (RFC 9110, 12.5.3); among equals, the earlier
// one. Where the header refuses all of them it returns the last, the plain one.
func choose(variants []variant, header string) variant {
	weights := parseAcceptEncoding(header)
	best, weightBest := variants[len(variants)-1], 0
	for _, v := range variants {
		if w := weights.of(v.encoding); w > weightBest {
			best, weightBest = v, w
		}
	}
	return best
}

// acceptance holds the weights of a header in thousandths, by encoding.
type acceptance map[string]int

func (a acceptance) of(encoding string) int {
	if w, named := a[encoding]; named {
		return w
	}
	w, any := a["*"]
	if encoding != identity {
		return w
	}
	if any && w == 0 {
		return 0
	}
	return 1 // unnamed, the plain file is acceptable, and liked less than whatever is named
}

func parseAcceptEncoding(header string) acceptance {
	a := acceptance{}
	for part := range strings.SplitSeq(header, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		if name = strings.ToLower(strings.TrimSpace(name)); name == "" {
			continue
		}
		if name == "x-gzip" {
			name = "gzip"
		}
		a[name] = parseWeight(parameters)
	}
	return a
}

// parseWeight reads ";q=0.5" as 500. No weight means 1,000; one that does not parse means 0: not understood is not asked
// for.
func parseWeight(parameters string) int {
	key, value, found := strings.Cut(strings.TrimSpace(parameters), "=")
	if !found || !strings.EqualFold(strings.TrimSpace(key), "q") {
		return 1000
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || q < 0 || q > 1 {
		return 0
	}
	return int(q*1000 + 0.5)
}
