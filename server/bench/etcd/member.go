package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/embed"
)

const (
	memberArgument = "member"
	readyLine      = "ready"
	logName        = "etcd.log"
)

// memberConfig is etcd's own, but for names, places and where its log goes.
func memberConfig(name, dir, peer, client, cluster string) (*embed.Config, error) {
	peerURL, peerErr := url.Parse(peer)
	clientURL, clientErr := url.Parse(client)
	if err := errors.Join(peerErr, clientErr); err != nil {
		return nil, err
	}
	config := embed.NewConfig()
	config.Name, config.Dir = name, filepath.Join(dir, "data")
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{*peerURL}, []url.URL{*peerURL}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{*clientURL}, []url.URL{*clientURL}
	config.InitialCluster = cluster
	config.LogOutputs = []string{filepath.Join(dir, logName)}
	return config, nil
}

// runMember is an etcd member until its standard input ends: so it ends with whoever started it, however that ends. It
// prints a line when it is ready to serve. It is not closed, which would take seconds: nobody wants its data any more.
func runMember(args []string, input io.Reader) error {
	if len(args) != 5 {
		return fmt.Errorf("%s wants a name, a folder, two addresses and the cluster", memberArgument)
	}
	config, err := memberConfig(args[0], args[1], args[2], args[3], args[4])
	if err != nil {
		return err
	}
	member, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, input)
		close(ended)
	}()
	ready := member.Server.ReadyNotify()
	for {
		select {
		case <-ready:
			fmt.Fprintln(os.Stdout, readyLine)
			ready = nil
		case <-ended:
			return nil
		case err := <-member.Err():
			return err
		}
	}
}
