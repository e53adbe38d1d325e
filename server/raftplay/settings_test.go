package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// settingsOf fills a small set of flags from arguments, variables and a file.
func settingsOf(t *testing.T, args []string, variables map[string]string, file string) (*pflag.FlagSet, error) {
	t.Helper()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags.String(configFlag, "", "")
	flags.Uint64("id", 0, "")
	flags.String("peers", "", "")
	flags.String("data-dir", "", "")
	flags.Duration("tick", time.Second, "")
	flags.StringSlice("allow-origin", nil, "")
	flags.Bool("insecure", false, "")
	if file != "" {
		name := filepath.Join(t.TempDir(), "store.yaml")
		if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", name)
	}
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags, fillFlags(flags, func(name string) (string, bool) { v, ok := variables[name]; return v, ok })
}

func TestAFlagWinsOverAVariableAndThatOverTheFile(t *testing.T) {
	flags, err := settingsOf(t, []string{"--id", "1"},
		map[string]string{"RAFTPLAY_ID": "2", "RAFTPLAY_DATA_DIR": "/of/variable", "RAFTPLAY_OTHER": "x"},
		"id: 3\ndata-dir: /of/file\ntick: 50ms\ninsecure: true\nallow-origin: [https://a, https://b]\npeers:\n  1: a:1\n  2: b:2\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"id": "1", "data-dir": "/of/variable", "tick": "50ms", "insecure": "true", "peers": "1=a:1,2=b:2",
		"allow-origin": "[https://a,https://b]",
	} {
		if got := flags.Lookup(name).Value.String(); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestTheFileMayBeNamedByAVariable(t *testing.T) {
	name := filepath.Join(t.TempDir(), "store.yaml")
	if err := os.WriteFile(name, []byte("id: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	flags, err := settingsOf(t, nil, map[string]string{"RAFTPLAY_CONFIG": name}, "")
	if got := flags.Lookup("id").Value.String(); err != nil || got != "7" {
		t.Errorf("id is %s, %v", got, err)
	}
}

func TestSettingsThatCannotBeAreOneSentence(t *testing.T) {
	for file, want := range map[string]string{
		"di: 3\n":       `there is no setting "di"; those of this command are allow-origin, data-dir, id`,
		"id: three\n":   `id: invalid argument "three"`,
		"id:\n":         "id: has no value",
		"- id\n":        "is no YAML mapping of settings",
		"id: [1\n":      "is no YAML mapping of settings",
		"config: x\n":   `there is no setting "config"`,
		"tick: never\n": `tick: invalid argument "never"`,
	} {
		_, err := settingsOf(t, nil, nil, file)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", file, err, want)
		}
	}
	if _, err := settingsOf(t, nil, map[string]string{"RAFTPLAY_ID": "x"}, ""); err == nil ||
		!strings.HasPrefix(err.Error(), "RAFTPLAY_ID: ") {
		t.Errorf("a variable that does not parse: %v", err)
	}
	if _, err := settingsOf(t, []string{"--config", "/nowhere/at.all"}, nil, ""); err == nil ||
		!strings.Contains(err.Error(), "the settings cannot be read") {
		t.Errorf("no file: %v", err)
	}
}

func TestASettingThatIsGivenTwiceIsRefused(t *testing.T) {
	for file, want := range map[string]string{
		"id: 1\nid: 2\n":                "id",
		"peers: {1: 'a:1', 1: 'b:1'}\n": "is no YAML mapping of settings",
		"id: {a: {b: c}}\n":             "id",
		"allow-origin: [[a], b]\n":      "allow-origin",
		"allow-origin: [a, null]\n":     "allow-origin",
	} {
		_, err := settingsOf(t, nil, nil, file)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", file, err, want)
		}
	}
	flags, err := settingsOf(t, nil, nil, "id: 0x10\npeers: ['1=a:1', \"2=b:2\"]\nallow-origin: https://a\ndata-dir: 2026-01-01\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"id": "16", "peers": "1=a:1,2=b:2", "allow-origin": "[https://a]", "data-dir": "2026-01-01"} {
		if got := flags.Lookup(name).Value.String(); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if _, err := settingsOf(t, nil, nil, ""); err != nil {
		t.Errorf("no settings: %v", err)
	}
}
