package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"raftplay/core"
	"raftplay/server/client"
	"raftplay/server/cluster"
	"raftplay/server/peer"
	"raftplay/server/token"
	"raftplay/server/web"
)

// storeOptions are the flags of `raftplay store`.
type storeOptions struct {
	id        uint64
	peers     string
	join      bool
	listen    string
	http      string
	dataDir   string
	clusterID uint64
	tls       tlsFlags
	tokens    tokenFlags
	insecure  bool
	pprof     bool
	logLevel  string
	timing    cluster.Timing

	// withoutSync is hidden: it is for the test that must notice it.
	withoutSync bool
}

func (p *Program) storeCommand() *cobra.Command {
	o := &storeOptions{}
	command := &cobra.Command{
		Use:   "store",
		Short: "Run one store of a live cluster",
		Long: "store runs one store of a live cluster: it keeps its data under --data-dir and serves the other stores and clients on\n" +
			"its address among --peers, until it is interrupted. It then hands over what it leads.\n\n" +
			"All stores that begin a cluster are started with the same --peers. One that comes later is started with --join, and\n" +
			"with itself among the peers; then `raftplay ctl peer add` makes it a member of a region.",
		Example: "  raftplay store --id 1 --peers 1=10.0.0.1:7000,2=10.0.0.2:7000,3=10.0.0.3:7000 --data-dir /var/lib/raftplay\n" +
			"  raftplay store --config /etc/raftplay/store.yaml\n" +
			"  RAFTPLAY_ID=2 raftplay store --config /etc/raftplay/store.yaml --http 127.0.0.1:8081",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			config, err := o.config()
			if err != nil {
				return err
			}
			p.job = func(ctx context.Context) error { return p.runStore(ctx, o, config) }
			return nil
		},
	}
	flags := command.Flags()
	flags.Uint64Var(&o.id, "id", 0, "this store's number, 1 to 999")
	flags.StringVar(&o.peers, "peers", "", "every store and where it serves, as 1=host:port,2=host:port")
	flags.BoolVar(&o.join, "join", false, "join a cluster that runs, without a region")
	flags.StringVar(&o.listen, "listen", "", "host:port to listen on, when it is not this store's address among the peers")
	flags.StringVar(&o.http, "http", "", "host:port for /metrics, /healthz and /readyz; nothing is served without it")
	flags.StringVar(&o.dataDir, "data-dir", "", "folder for the store's data")
	flags.Uint64Var(&o.clusterID, "cluster-id", 0, "the cluster's number, when it is not to be made from the peers")
	flags.BoolVar(&o.insecure, "insecure", false, "serve others than this machine without TLS or tokens")
	flags.BoolVar(&o.pprof, "pprof", false, "serve profiles under /debug/pprof/ on --http")
	flags.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.BoolVar(&o.withoutSync, "without-sync", false, "acknowledge what is not on the disk: loses data, for tests")
	_ = flags.MarkHidden("without-sync")
	o.tls.addFlags(flags, "authorities that sign the certificates of stores and clients; they must then show one",
		"this store's certificate, for stores and for clients")
	o.tokens.addFlags(flags)
	addTimingFlags(flags, &o.timing)
	p.withSettings(command)
	return command
}

func addTimingFlags(flags *pflag.FlagSet, t *cluster.Timing) {
	flags.DurationVar(&t.BaseTick, "tick", 100*time.Millisecond, "how long a tick lasts")
	flags.IntVar(&t.HeartbeatTicks, "heartbeat-ticks", 3, "ticks between a leader's heartbeats")
	flags.IntVar(&t.ElectionTicks, "election-ticks", 15, "the shortest election timeout, in ticks")
}

// tlsFlags name the files by which one speaks TLS with stores.
type tlsFlags struct{ files peer.TLSFiles }

// addFlags says of the authorities and of the certificate what they are for.
func (t *tlsFlags) addFlags(flags *pflag.FlagSet, authorities, certificate string) {
	flags.StringVar(&t.files.CA, "tls-ca", "", authorities)
	flags.StringVar(&t.files.Cert, "tls-cert", "", certificate)
	flags.StringVar(&t.files.Key, "tls-key", "", "the certificate's key")
}

func (t *tlsFlags) set() bool { return t.files != peer.TLSFiles{} }

// tokenFlags name the files of the tokens that viewers and operators show.
type tokenFlags struct{ viewerFile, operatorFile string }

func (t *tokenFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&t.viewerFile, "viewer-token-file", "", "file with the token of those who may watch")
	flags.StringVar(&t.operatorFile, "operator-token-file", "", "file with the token of those who may also send commands")
}

func (t *tokenFlags) read(log *slog.Logger) (tokens token.Tokens, err error) {
	for _, of := range []struct {
		file string
		into *string
	}{{t.viewerFile, &tokens.Viewer}, {t.operatorFile, &tokens.Operator}} {
		if of.file == "" {
			continue
		}
		read, warning, err := token.ReadFile(of.file)
		if err != nil {
			return token.Tokens{}, &usageError{err}
		}
		if warning != "" {
			log.Warn(warning)
		}
		*of.into = read
	}
	return tokens, nil
}

// config is the store's, as far as the flags alone tell.
func (o *storeOptions) config() (cluster.Config, error) {
	peers, err := cluster.ParsePeers(o.peers)
	switch {
	case o.id == 0:
		return cluster.Config{}, errors.New("--id says which store this is: it is missing")
	case o.peers == "":
		return cluster.Config{}, errors.New("--peers says where the stores are: it is missing")
	case err != nil:
		return cluster.Config{}, fmt.Errorf("--peers: %w", err)
	case peers[o.id] == "":
		return cluster.Config{}, fmt.Errorf("store %d is not among --peers: name its own address too", o.id)
	case o.dataDir == "":
		return cluster.Config{}, errors.New("--data-dir says where the data is kept: it is missing")
	case o.pprof && o.http == "":
		return cluster.Config{}, errors.New("--pprof needs --http: there is nowhere to serve profiles")
	}
	if _, err := logLevel(o.logLevel); err != nil {
		return cluster.Config{}, err
	}
	return cluster.Config{
		StoreID: o.id, ClusterID: o.clusterID, Peers: peers, Join: o.join, Listen: o.listen, DataDir: o.dataDir,
		TLS: o.tls.files, Timing: o.timing, Version: core.Version, WithoutSync: o.withoutSync,
	}, nil
}

func logLevel(name string) (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil || strings.ContainsAny(name, "+-") {
		return 0, fmt.Errorf("--log-level is debug, info, warn or error, not %q", name)
	}
	return level, nil
}

func (p *Program) logger(level string) *slog.Logger {
	l, _ := logLevel(level)
	return slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: l}))
}

// runStore starts the store; it serves when it returns.
func (p *Program) runStore(ctx context.Context, o *storeOptions, config cluster.Config) error {
	config.Logger = p.logger(o.logLevel)
	tokens, err := o.tokens.read(config.Logger)
	if err != nil {
		return err
	}
	config.Tokens = tokens
	listen := o.listen
	if listen == "" {
		listen = config.Peers[o.id]
	}
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return &usageError{fmt.Errorf("--listen: %q is no address: one is written as host:port", listen)}
	}
	// Stores that speak with each other are let in by their certificates alone.
	if err := web.CheckListen(listen, o.tls.files.CA != "", o.insecure); err != nil {
		return &usageError{fmt.Errorf("whoever reaches %s could speak as a store: give --tls-ca, --tls-cert and --tls-key, or say --insecure", listen)}
	}
	if config.Join && config.ClusterID == 0 {
		if config.ClusterID, err = clusterOfPeers(ctx, config); err != nil {
			return err
		}
	}
	lessGarbageCollection()
	registry := newRegistry()
	config.Registerer = registry
	s, err := cluster.Open(config)
	if err != nil {
		return asUsage(err)
	}
	p.closers = append(p.closers, func(ctx context.Context) error {
		err := s.Stop(ctx)
		if why := s.Err(); why != nil && errors.Is(err, why) {
			return nil // it had stopped by itself, and that has been said
		}
		return err
	})
	p.watch(s.Done(), func() error {
		if s.Err() == nil {
			return nil
		}
		return fmt.Errorf("store %d has stopped: %w", o.id, s.Err())
	})
	if o.http != "" {
		if err := p.serveOperations(o, registry, s, tokens, config.Logger); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(p.Stdout, "store %d of cluster %d serves at %s\n", o.id, s.ClusterID(), s.Address())
	return err
}

// storeGCPercent lets garbage lie for longer: most of it is what one command leaves behind, and the heap that stays is small.
const storeGCPercent = 300

func lessGarbageCollection() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(storeGCPercent)
	}
}

// newRegistry has the process's own metrics.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// serveOperations serves what an operator's tools ask for.
func (p *Program) serveOperations(o *storeOptions, registry *prometheus.Registry, s *cluster.Store, tokens token.Tokens, log *slog.Logger) error {
	if err := web.CheckListen(o.http, tokens.Operator != "", o.insecure); err != nil {
		return &usageError{err}
	}
	handler, err := web.NewHandler(nil, web.Options{
		Tokens: tokens, Ready: s.Ready, Metrics: registry, Pprof: o.pprof, Log: log,
	})
	if err != nil {
		return err
	}
	if err := p.listenHTTP(o.http, handler, web.ServerOptions{Log: log}); err != nil {
		return &usageError{fmt.Errorf("--http: %w", err)}
	}
	return nil
}

// clusterOfPeers asks the other stores which cluster they are.
func clusterOfPeers(ctx context.Context, config cluster.Config) (uint64, error) {
	others := maps.Clone(config.Peers)
	delete(others, config.StoreID)
	if len(others) == 0 {
		return 0, &usageError{errors.New("--join needs the other stores among --peers")}
	}
	clientTLS, _, err := peer.LoadTLS(config.TLS)
	if err != nil {
		return 0, &usageError{err}
	}
	c, err := client.Open(client.Config{Endpoints: slices.Sorted(maps.Values(others)), TLS: clientTLS, Token: cmp.Or(config.Tokens.Operator, config.Tokens.Viewer)})
	if err != nil {
		return 0, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	if err := c.Discover(ctx); err != nil {
		return 0, fmt.Errorf("no store of the cluster to join answered: %w", err)
	}
	return c.ClusterID(), nil
}

const joinTimeout = 10 * time.Second

// dataDirMode keeps others on the machine away from a cluster's data.
const dataDirMode = 0o700

func makeDataDir(dir string) error {
	if err := os.MkdirAll(dir, dataDirMode); err != nil {
		return &usageError{fmt.Errorf("the folder for the data cannot be made: %w", err)}
	}
	return nil
}
