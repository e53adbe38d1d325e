package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// configFlag names the file of settings.
const configFlag = "config"

// configBytesMax is the longest file of settings that is read.
const configBytesMax = 1 << 20

// withSettings lets a command's flags also be given by the environment (RAFTPLAY_DATA_DIR for --data-dir) and by a YAML
// file of the flags' names. A flag wins over the environment, and that over the file.
func (p *Program) withSettings(command *cobra.Command) {
	command.Flags().String(configFlag, "", "YAML file with any of these settings, by their names")
	command.Long += "\n\nEvery setting may also stand in a YAML file (--config, or RAFTPLAY_CONFIG) under its flag's name, or in\n" +
		"a variable such as RAFTPLAY_DATA_DIR. A flag wins over a variable, and a variable over the file."
	run := command.RunE
	command.RunE = func(c *cobra.Command, args []string) error {
		if err := fillFlags(c.Flags(), os.LookupEnv); err != nil {
			return err
		}
		return run(c, args)
	}
}

// fillFlags sets the flags that the command line left alone.
func fillFlags(flags *pflag.FlagSet, lookup func(name string) (string, bool)) error {
	given := map[string]bool{}
	flags.Visit(func(f *pflag.Flag) { given[f.Name] = true })
	if err := fillFromVariables(flags, given, lookup); err != nil {
		return err
	}
	file := flags.Lookup(configFlag).Value.String()
	if file == "" {
		return nil
	}
	settings, err := readSettings(file)
	if err != nil {
		return err
	}
	for _, s := range settings {
		f := flags.Lookup(s.name)
		if f == nil || s.name == configFlag || s.name == "help" {
			return fmt.Errorf("%s: there is no setting %q; those of this command are %s", file, s.name, names(flags))
		}
		if given[s.name] {
			continue
		}
		if err := flags.Set(s.name, s.value); err != nil {
			return fmt.Errorf("%s: %s: %w", file, s.name, err)
		}
	}
	return nil
}

func fillFromVariables(flags *pflag.FlagSet, given map[string]bool, lookup func(name string) (string, bool)) error {
	var broken error
	flags.VisitAll(func(f *pflag.Flag) {
		variable := "RAFTPLAY_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, set := lookup(variable)
		if broken != nil || given[f.Name] || !set || f.Name == "help" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			broken = fmt.Errorf("%s: %w", variable, err)
			return
		}
		given[f.Name] = true
	})
	return broken
}

type setting struct{ name, value string }

// readSettings reads a YAML file: a mapping of names to values, to lists of values, or, for peers, to a mapping.
func readSettings(file string) ([]setting, error) {
	info, err := os.Stat(file)
	if err == nil && info.Size() > configBytesMax {
		return nil, fmt.Errorf("%s is larger than %d bytes, which settings never are", file, configBytesMax)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the settings cannot be read: %w", err)
	}
	var mapping yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(text, &mapping, yaml.UseOrderedMap()); err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("%s is no YAML mapping of settings: %s", file, line)
	}
	var settings []setting
	for _, item := range mapping {
		value, err := settingValue(item.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %v: %w", file, item.Key, err)
		}
		settings = append(settings, setting{name: fmt.Sprint(item.Key), value: value})
	}
	return settings, nil
}

// settingValue is a value as a flag takes it: lists with commas, mappings as key=value with commas.
func settingValue(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", errors.New("has no value")
	case yaml.MapSlice:
		var parts []string
		for _, item := range v {
			if !single(item.Value) {
				return "", fmt.Errorf("%v has no single value", item.Key)
			}
			parts = append(parts, fmt.Sprintf("%v=%v", item.Key, item.Value))
		}
		return strings.Join(parts, ","), nil
	case []any:
		var parts []string
		for i, item := range v {
			if !single(item) {
				return "", fmt.Errorf("number %d of the list is no single value", i+1)
			}
			parts = append(parts, fmt.Sprint(item))
		}
		return strings.Join(parts, ","), nil
	}
	return fmt.Sprint(value), nil
}

// single tells whether a value is one: a text, a number, true or false.
func single(value any) bool {
	switch value.(type) {
	case nil, yaml.MapSlice, []any:
		return false
	}
	return true
}

func names(flags *pflag.FlagSet) string {
	var all []string
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != configFlag && f.Name != "help" {
			all = append(all, f.Name)
		}
	})
	slices.Sort(all)
	return strings.Join(all, ", ")
}
