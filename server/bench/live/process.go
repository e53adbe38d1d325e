package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"raftplay/server/client"
)

const startTimeout = 30 * time.Second

// process is a program that runs until it is ended.
type process struct {
	command *exec.Cmd
	said    bytes.Buffer // on its standard error
	lines   chan string  // of its standard output
	ended   chan error
}

func start(name string, args ...string) (*process, error) {
	p := &process{command: exec.Command(name, args...), lines: make(chan string, 64), ended: make(chan error, 1)}
	p.command.Stderr = &p.said
	p.command.SysProcAttr = attributes()
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			select {
			case p.lines <- lines.Text():
			default:
			}
		}
		p.ended <- p.command.Wait()
	}()
	return p, nil
}

// line waits for a line that begins with a word and returns the rest of it.
func (p *process) line(prefix string) (string, error) {
	timeout := time.After(startTimeout)
	for {
		select {
		case line := <-p.lines:
			if rest, is := strings.CutPrefix(line, prefix); is {
				return rest, nil
			}
		case err := <-p.ended:
			p.ended <- err
			return "", fmt.Errorf("%s ended: %v: %s", p.command.Path, err, p.said.String())
		case <-timeout:
			return "", fmt.Errorf("%s does not say %q: %s", p.command.Path, prefix, p.said.String())
		}
	}
}

// end asks the process to end, and waits.
func (p *process) end() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(startTimeout):
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

// residentKiB is how much of the memory a process has.
func (p *process) residentKiB() (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		var kib int
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			return kib, nil
		}
	}
	return 0, errors.New("the system does not tell how much memory a process has")
}

// processor is how much time of the processor the process has taken; 0 where the system does not tell.
func (p *process) processor() time.Duration { return processorOf(fmt.Sprint(p.command.Process.Pid)) }

// clockTick is Linux's unit of times in /proc.
const clockTick = 10 * time.Millisecond

func processorOf(pid string) time.Duration {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0
	}
	// The name, in parentheses, may hold anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * clockTick
}

// stores are three processes of one cluster.
type stores struct {
	dir       string
	peers     string
	endpoints []string
	processes []*process
}

// openStores starts three stores on free ports, and waits until one leads.
func openStores(ctx context.Context, raftplay string) (*stores, error) {
	dir, err := os.MkdirTemp("", "raftplay-bench-")
	if err != nil {
		return nil, err
	}
	s := &stores{dir: dir}
	var peers []string
	for id := 1; id <= 3; id++ {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			s.close()
			return nil, err
		}
		address := listener.Addr().String()
		_ = listener.Close()
		s.endpoints = append(s.endpoints, address)
		peers = append(peers, fmt.Sprintf("%d=%s", id, address))
	}
	s.peers = strings.Join(peers, ",")
	for id := 1; id <= 3; id++ {
		p, err := s.startStore(raftplay, id)
		if err != nil {
			s.close()
			return nil, err
		}
		s.processes = append(s.processes, p)
	}
	if err := s.ready(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stores) startStore(raftplay string, id int) (*process, error) {
	p, err := start(raftplay, "store", "--id", fmt.Sprint(id), "--peers", s.peers, "--data-dir", filepath.Join(s.dir, fmt.Sprint(id)))
	if err != nil {
		return nil, err
	}
	if _, err := p.line("store "); err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

// ready waits until the cluster has taken a command.
func (s *stores) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	c, err := client.Open(client.Config{Endpoints: s.endpoints})
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Put(ctx, []byte("bench"), []byte("ready"))
}

func (s *stores) close() {
	for _, p := range s.processes {
		p.end()
	}
	_ = os.RemoveAll(s.dir)
}
