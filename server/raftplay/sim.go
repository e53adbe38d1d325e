package main

import "github.com/spf13/cobra"

func (p *Program) simCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "sim",
		Short: "Run simulated clusters without a page",
		Args:  cobra.NoArgs,
		RunE:  showHelp,
	}
	return command
}
