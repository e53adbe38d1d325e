package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	members = 3
	// startMax is how long the members may take to elect a leader, stopMax how long one may take to end.
	startMax = 60 * time.Second
	stopMax  = 10 * time.Second
	// logBytesMax is how much of a member's log is shown when it failed.
	logBytesMax = 2 << 10
)

// member is a process of its own.
type member struct {
	dir, client string
	process     *exec.Cmd
	// input is held open for as long as the member is to live.
	input io.Closer
	// ready is closed when the member serves, ended when its process is gone.
	ready, ended chan struct{}
}

// cluster is three members with folders that go with it.
type cluster struct {
	dir     string
	members []*member
}

// startCluster returns when a leader serves all of the members.
func startCluster(ctx context.Context) (*cluster, error) {
	dir, err := os.MkdirTemp("", "bench-etcd-")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir}
	if err := c.start(); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	ctx, cancel := context.WithTimeout(ctx, startMax)
	defer cancel()
	for _, m := range c.members {
		if err := m.serves(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("a member does not serve: %w\n%s", err, m.lastWords()), c.stop())
		}
	}
	return c, nil
}

func (c *cluster) start() error {
	addresses, err := freeAddresses(2 * members)
	if err != nil {
		return err
	}
	var peers []string
	for i := range members {
		peers = append(peers, fmt.Sprintf("m%d=http://%s", i+1, addresses[2*i]))
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for i := range members {
		m, err := startMember(self, c.dir, fmt.Sprintf("m%d", i+1), addresses[2*i], addresses[2*i+1], strings.Join(peers, ","))
		if err != nil {
			return err
		}
		c.members = append(c.members, m)
	}
	return nil
}

func startMember(self, dir, name, peer, client, cluster string) (*member, error) {
	m := &member{dir: filepath.Join(dir, name), client: "http://" + client,
		ready: make(chan struct{}), ended: make(chan struct{})}
	if err := os.Mkdir(m.dir, 0o700); err != nil {
		return nil, err
	}
	m.process = exec.Command(self, memberArgument, name, m.dir, "http://"+peer, m.client, cluster)
	m.process.Stderr = os.Stderr
	input, err := m.process.StdinPipe()
	if err != nil {
		return nil, err
	}
	m.input = input
	output, err := m.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := m.process.Start(); err != nil {
		return nil, err
	}
	go func() {
		if line, _ := bufio.NewReader(output).ReadString('\n'); line == readyLine+"\n" {
			close(m.ready)
		}
		_, _ = io.Copy(io.Discard, output)
		_ = m.process.Wait()
		close(m.ended)
	}()
	return m, nil
}

// freeAddresses are some that nobody listens on. They are all held before any is given back, so no two are the same.
func freeAddresses(n int) (addresses []string, err error) {
	for range n {
		listener, listenErr := net.Listen("tcp", "127.0.0.1:0")
		if listenErr != nil {
			return nil, listenErr
		}
		defer func() { err = errors.Join(err, listener.Close()) }()
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses, nil
}

// serves waits until the member has joined and there is a leader.
func (m *member) serves(ctx context.Context) error {
	select {
	case <-m.ready:
		return nil
	case <-m.ended:
		return errors.New("its process ended")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// lastWords is the end of the member's log.
func (m *member) lastWords() string {
	log, err := os.ReadFile(filepath.Join(m.dir, logName))
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(log[max(0, len(log)-logBytesMax):]))
}

func (c *cluster) endpoints() (endpoints []string) {
	for _, m := range c.members {
		endpoints = append(endpoints, m.client)
	}
	return endpoints
}

// leader is the address of the member that leads.
func (c *cluster) leader(ctx context.Context) (string, error) {
	client, err := dial(c.endpoints())
	if err != nil {
		return "", err
	}
	defer func() { _ = client.Close() }()
	for _, endpoint := range c.endpoints() {
		status, err := client.Status(ctx, endpoint)
		if err != nil {
			return "", err
		}
		if status.Leader == status.Header.MemberId {
			return endpoint, nil
		}
	}
	return "", errors.New("no member leads")
}

// stop ends the members and takes their folders away.
func (c *cluster) stop() error {
	var errs []error
	for _, m := range c.members {
		errs = append(errs, m.input.Close())
	}
	late := time.After(stopMax)
	for _, m := range c.members {
		select {
		case <-m.ended:
		case <-late:
			errs = append(errs, fmt.Errorf("a member did not end within %v", stopMax), m.process.Process.Kill())
			<-m.ended
			late = time.After(0)
		}
	}
	return errors.Join(append(errs, os.RemoveAll(c.dir))...)
}
