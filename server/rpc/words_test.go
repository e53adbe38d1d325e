package rpc

import "testing"

func TestTheCauseOfAFailedConnectionIsTakenOutOfItsWrappings(t *testing.T) {
	for text, want := range map[string]string{
		`connection error: desc = "transport: Error while dialing: dial tcp 10.0.0.1:7000: connect: connection refused"`: "dial tcp 10.0.0.1:7000: connect: connection refused",
		`connection error: desc = "transport: authentication handshake failed: x509: \"a\" is not \"b\""`:                `x509: "a" is not "b"`,
		`connection error: desc = "error reading server preface: EOF", more of it`:                                       "error reading server preface: EOF",
		"this is S2, not S1":  "this is S2, not S1",
		"what if desc = here": "what if desc = here",
	} {
		if got := Innermost(text); got != want {
			t.Errorf("of %s:\n%s, want\n%s", text, got, want)
		}
	}
}
