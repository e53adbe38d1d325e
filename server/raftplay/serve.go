package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"raftplay/core"
	"raftplay/server/client"
	"raftplay/server/cluster"
	"raftplay/server/live"
	"raftplay/server/peer"
	"raftplay/server/token"
	"raftplay/server/web"
)

const listenDefault = "127.0.0.1:8080"

// serveOptions are the flags of `raftplay serve`.
type serveOptions struct {
	listen       string
	stores       int
	dataDir      string
	storeListen  string
	attach       []string
	tls          tlsFlags
	httpsCert    string
	httpsKey     string
	tokens       tokenFlags
	insecure     bool
	allowOrigin  []string
	allowConnect []string
	host         []string
	pprof        bool
	logLevel     string
	timing       cluster.Timing
}

func (p *Program) serveCommand() *cobra.Command {
	o := &serveOptions{}
	command := &cobra.Command{
		Use:   "serve",
		Short: "Serve the page, with a live cluster to watch",
		Long: "serve shows the page on an address of this machine, until it is interrupted. Beside the simulation it offers a live\n" +
			"cluster: by default one of three stores within this process, which `raftplay ctl` on this machine finds by itself; with\n" +
			"--attach one that runs elsewhere; with --stores 0 none.",
		Example: "  raftplay serve\n" +
			"  raftplay serve --data-dir ~/raftplay          # the cluster's data stays\n" +
			"  raftplay serve --attach 10.0.0.1:7000,10.0.0.2:7000 --tls-ca ca.pem --tls-cert me.pem --tls-key me.key\n" +
			"  raftplay serve --listen 0.0.0.0:8080 --viewer-token-file viewer.token --operator-token-file operator.token",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := o.check(); err != nil {
				return err
			}
			p.job = func(ctx context.Context) error { return p.serve(ctx, o) }
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.listen, "listen", listenDefault, "address and port of the page; port 0 picks a free one")
	flags.IntVar(&o.stores, "stores", 3, "stores of the cluster in this process; 0 for none")
	flags.StringVar(&o.dataDir, "data-dir", "", "folder for the cluster's data (default a temporary one)")
	flags.StringVar(&o.storeListen, "store-listen", "", "host:port of the first store, on this machine; the next ones follow (default free ports)")
	flags.StringSliceVar(&o.attach, "attach", nil, "show the cluster that serves at these addresses, host:port with commas between, instead of one of our own")
	o.tls.addFlags(flags, "with --attach, authorities that sign the certificates of the stores", "with --attach, what is shown to stores that want a certificate")
	flags.StringVar(&o.httpsCert, "https-cert", "", "the page's certificate: it is then served with TLS")
	flags.StringVar(&o.httpsKey, "https-key", "", "the certificate's key")
	o.tokens.addFlags(flags)
	flags.BoolVar(&o.insecure, "insecure", false, "serve others than this machine without tokens")
	flags.StringSliceVar(&o.allowOrigin, "allow-origin", nil, "origins whose pages may attach to the cluster too, such as https://raft.example")
	flags.StringSliceVar(&o.allowConnect, "allow-connect", nil, "other servers that this page may attach to, such as wss://10.0.0.1:8080")
	flags.StringSliceVar(&o.host, "host", nil, "names that this server goes by, when there are no tokens")
	flags.BoolVar(&o.pprof, "pprof", false, "serve profiles under /debug/pprof/")
	flags.StringVar(&o.logLevel, "log-level", "warn", "debug, info, warn or error")
	addTimingFlags(flags, &o.timing)
	p.withSettings(command)
	return command
}

func (o *serveOptions) check() error {
	switch _, err := logLevel(o.logLevel); {
	case err != nil:
		return err
	case o.stores < 0:
		return fmt.Errorf("--stores is a number from 0, not %d", o.stores)
	case len(o.attach) > 0 && (o.dataDir != "" || o.storeListen != ""):
		return errors.New("--attach shows a cluster that runs elsewhere: --data-dir and --store-listen are for one of our own")
	case (o.httpsCert == "") != (o.httpsKey == ""):
		return errors.New("--https-cert and --https-key go together")
	case o.tls.set() && len(o.attach) == 0:
		return errors.New("--tls-ca, --tls-cert and --tls-key are for --attach; the page's own are --https-cert and --https-key")
	}
	return nil
}

func (p *Program) serve(ctx context.Context, o *serveOptions) error {
	log := p.logger(o.logLevel)
	tokens, err := o.tokens.read(log)
	if err != nil {
		return err
	}
	if err := web.CheckListen(o.listen, tokens.Any(), o.insecure); err != nil {
		return &usageError{err}
	}
	if warning := web.WarnListen(o.listen, tokens.Any(), o.httpsCert != ""); warning != "" {
		log.Warn(warning)
	}
	pageTLS, err := o.pageTLS()
	if err != nil {
		return err
	}
	registry := newRegistry()
	options := web.Options{
		Tokens: tokens, AllowOrigins: o.allowOrigin, AllowConnect: o.allowConnect, Hosts: o.hosts(), Metrics: registry,
		Pprof: o.pprof, Log: log,
	}
	// A taken port is found before a cluster is started.
	listener, err := web.Listen(o.listen)
	if err != nil {
		return &usageError{err}
	}
	serving := false
	defer func() {
		if !serving {
			_ = listener.Close()
		}
	}()
	var say []string
	if len(o.attach) > 0 || o.stores > 0 {
		gateway, words, err := p.openCluster(o, tokens, registry, log)
		if err != nil {
			return err
		}
		options.Sessions, options.ProtocolVersion = sessions{gateway}, live.ProtocolVersion
		say = words
	}
	handler, err := web.NewHandler(p.Site, options)
	if errors.Is(err, web.ErrNotBuilt) {
		return err
	}
	if err != nil {
		return &usageError{err}
	}
	p.serveHTTP(listener, handler, web.ServerOptions{TLS: pageTLS, Log: log})
	serving = true
	if len(o.attach) == 0 && o.stores > 0 {
		p.noteEndpoints(log)
	}
	_, err = fmt.Fprintf(p.Stdout, "raftplay is at %s\n%s", p.server.URL(), strings.Join(say, ""))
	return err
}

// hosts are the names that a browser may call this server by.
func (o *serveOptions) hosts() []string {
	hosts := slices.Clone(o.host)
	if host, _, err := net.SplitHostPort(o.listen); err == nil && web.IsHost(host) {
		hosts = append(hosts, host)
	}
	// A machine may have a name that no browser could call it by.
	if name, err := os.Hostname(); err == nil && web.IsHost(name) {
		hosts = append(hosts, name)
	}
	return hosts
}

// noteEndpoints leaves a note for ctl on this machine, once everything serves: a start that fails must not take away the
// note of another process.
func (p *Program) noteEndpoints(log *slog.Logger) {
	remove, err := writeEndpoints(strings.Split(p.endpoints, ","))
	if err != nil {
		// Whoever wants to reach the cluster can still name its endpoints.
		log.Warn("ctl on this machine will not find the cluster by itself", "why", err)
		return
	}
	p.closers = append(p.closers, func(context.Context) error { return remove() })
}

func (o *serveOptions) pageTLS() (*tls.Config, error) {
	if o.httpsCert == "" {
		return nil, nil
	}
	_, config, err := peer.LoadTLS(peer.TLSFiles{Cert: o.httpsCert, Key: o.httpsKey})
	if err != nil {
		return nil, &usageError{err}
	}
	return config, nil
}

// openCluster opens the cluster that the page may show, and returns what there is to say about it.
func (p *Program) openCluster(o *serveOptions, tokens token.Tokens, registry *prometheus.Registry, log *slog.Logger) (*live.Gateway, []string, error) {
	config := live.Config{Version: core.Version, Logger: log}
	// Where there is only a viewer's token, there are no operators.
	reach := client.Config{Endpoints: o.attach, Token: cmp.Or(tokens.Operator, tokens.Viewer)}
	var say []string
	if len(o.attach) == 0 {
		embedded, words, err := p.openEmbedded(o, tokens, registry, log)
		if err != nil {
			return nil, nil, err
		}
		config.Embedded, config.Operator = true, embedded
		reach.Endpoints, say = embedded.Endpoints(), words
	} else if o.tls.set() {
		clientTLS, err := peer.LoadClientTLS(o.tls.files)
		if err != nil {
			return nil, nil, &usageError{err}
		}
		reach.TLS = clientTLS
	}
	c, err := client.Open(reach)
	if err != nil {
		return nil, nil, &usageError{fmt.Errorf("--attach: %w", err)}
	}
	p.closers = append(p.closers, func(context.Context) error { return c.Close() })
	config.Cluster = live.Over(c)
	gateway, err := live.Open(config)
	if err != nil {
		return nil, nil, err
	}
	p.closers = append(p.closers, func(context.Context) error { return gateway.Close() })
	p.endpoints = strings.Join(reach.Endpoints, ",")
	say = append(say, "endpoints "+p.endpoints+"\n")
	return gateway, say, nil
}

// openEmbedded starts the stores in this process.
func (p *Program) openEmbedded(o *serveOptions, tokens token.Tokens, registry *prometheus.Registry, log *slog.Logger) (*cluster.Embedded, []string, error) {
	var say []string
	dir := o.dataDir
	if dir == "" {
		temporary, err := os.MkdirTemp("", "raftplay-")
		if err != nil {
			return nil, nil, fmt.Errorf("there is no place for the cluster's data: %w; name one with --data-dir", err)
		}
		p.closers = append(p.closers, func(context.Context) error { return os.RemoveAll(temporary) })
		dir = temporary
		say = append(say, fmt.Sprintf("the cluster's data is in %s until the end; --data-dir keeps it\n", temporary))
	} else if err := makeDataDir(dir); err != nil {
		return nil, nil, err
	}
	embedded, err := cluster.OpenEmbedded(cluster.EmbeddedConfig{
		Stores: o.stores, DataDir: dir, Listen: o.storeListen, Timing: o.timing, Version: core.Version, Logger: log,
		Registerer: registry, Tokens: tokens,
	})
	if err != nil {
		return nil, nil, asUsage(err)
	}
	p.closers = append(p.closers, func(context.Context) error { return embedded.Close() })
	return embedded, say, nil
}
