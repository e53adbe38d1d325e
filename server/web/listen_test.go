package web

import "testing"

func TestListeningBeyondThisMachineNeedsATokenOrAWord(t *testing.T) {
	const beyond = "could operate the cluster: give a token file, listen on 127.0.0.1, or say --insecure"
	for _, c := range []struct {
		address             string
		hasTokens, insecure bool
		err                 string
	}{
		{"127.0.0.1:8080", false, false, ""},
		{"127.1.2.3:0", false, false, ""},
		{"[::1]:8080", false, false, ""},
		{"localhost:8080", false, false, ""},
		{":8080", false, false, "whoever reaches :8080 " + beyond},
		{"0.0.0.0:8080", false, false, "whoever reaches 0.0.0.0:8080 " + beyond},
		{"[::]:8080", false, false, "whoever reaches [::]:8080 " + beyond},
		{"10.0.0.1:8080", false, false, "whoever reaches 10.0.0.1:8080 " + beyond},
		{"cluster.example:8080", false, false, "whoever reaches cluster.example:8080 " + beyond},
		{"0.0.0.0:8080", true, false, ""},
		{"0.0.0.0:8080", false, true, ""},
		{"8080", true, true, `"8080" is not host:port`},
	} {
		err := CheckListen(c.address, c.hasTokens, c.insecure)
		if said := sentence(err); said != c.err {
			t.Errorf("%s, tokens %v, insecure %v: %q, want %q", c.address, c.hasTokens, c.insecure, said, c.err)
		}
	}
}

func sentence(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestListeningBeyondThisMachineIsWarnedOf(t *testing.T) {
	for _, c := range []struct {
		address           string
		hasTokens, hasTLS bool
		warning           string
	}{
		{"127.0.0.1:1", false, false, ""},
		{"0.0.0.0:1", true, true, ""},
		{"0.0.0.0:1", true, false,
			"tokens and data travel to 0.0.0.0:1 as plain text: whoever listens on the way can read them and operate the cluster"},
		{"0.0.0.0:1", false, true, "whoever reaches 0.0.0.0:1 can operate the cluster: nobody is asked for a token"},
		{"0.0.0.0:1", false, false, "whoever reaches 0.0.0.0:1 can operate the cluster: nobody is asked for a token"},
	} {
		if got := WarnListen(c.address, c.hasTokens, c.hasTLS); got != c.warning {
			t.Errorf("%s, tokens %v, TLS %v: %q, want %q", c.address, c.hasTokens, c.hasTLS, got, c.warning)
		}
	}
}
