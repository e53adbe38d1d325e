package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"raftplay/server/web"
)

const listenDefault = "127.0.0.1:8080"

func (p *Program) serveCommand() *cobra.Command {
	var listen string
	command := &cobra.Command{
		Use:   "serve",
		Short: "Serve the page on this machine",
		Long:  "serve shows the page on an address of this machine, until it is interrupted.",
		Example: "  raftplay serve\n" +
			"  raftplay serve --listen 127.0.0.1:0    # a free port",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			p.job = func(context.Context) error { return p.serve(listen) }
			return nil
		},
	}
	command.Flags().StringVar(&listen, "listen", listenDefault, "address and port; port 0 picks a free one")
	return command
}

func (p *Program) serve(listen string) error {
	handler, err := web.NewHandler(p.Site, web.Options{})
	if err != nil {
		return err
	}
	if p.server, err = web.Open(listen, handler, web.ServerOptions{}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Stdout, "raftplay is at %s\n", p.server.URL())
	return err
}
