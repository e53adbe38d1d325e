//go:build unix

package torture

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is one life of a `raftplay store`.
type process struct {
	id      uint64
	command *exec.Cmd
	serving chan struct{} // closed when it serves
	ended   chan struct{} // closed when it has ended

	mu     sync.Mutex
	killed bool // by the test
}

// startsWithin is how long a store may take to serve, on a machine that others use too.
const startsWithin = 30 * time.Second

// spawn starts a store; it does not wait until it serves. What it prints goes to log as well.
func spawn(program string, id uint64, args, env []string, log string) (*process, error) {
	group, err := keeper()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close() // the process has its own
	command := exec.Command(program, args...)
	command.Env = append(os.Environ(), env...)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: group}
	command.Stderr = file
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{id: id, command: command, serving: make(chan struct{}), ended: make(chan struct{})}
	go p.watch(bufio.NewScanner(stdout))
	return p, nil
}

// watch reads what the process prints until it ends.
func (p *process) watch(stdout *bufio.Scanner) {
	for said := false; stdout.Scan(); {
		if !said && strings.Contains(stdout.Text(), " serves at ") {
			said = true
			close(p.serving)
		}
	}
	_ = p.command.Wait() // how it ended is in its state
	close(p.ended)
}

// up waits until the store serves.
func (p *process) up() error {
	select {
	case <-p.serving:
		return nil
	case <-p.ended:
		return fmt.Errorf("S%d ended before it served: %v", p.id, p.command.ProcessState)
	case <-time.After(startsWithin):
		return fmt.Errorf("S%d does not serve within %v", p.id, startsWithin)
	}
}

// signal sends the process a signal. One that has ended gets none.
func (p *process) signal(s syscall.Signal) error {
	err := p.command.Process.Signal(s)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// kill ends the process as kill -9 does.
func (p *process) kill() error {
	p.expectEnd()
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.ended
	return nil
}

// stop ends the process in order.
func (p *process) stop() error {
	p.expectEnd()
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
		if code := p.command.ProcessState.ExitCode(); code != 0 {
			return fmt.Errorf("S%d ended with code %d after it was told to", p.id, code)
		}
		return nil
	case <-time.After(startsWithin):
		return errors.Join(fmt.Errorf("S%d has not ended within %v after it was told to", p.id, startsWithin), p.kill())
	}
}

func (p *process) expectEnd() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
}

// alive says why the process has ended, if that was by itself.
func (p *process) alive() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.ended:
		if !p.killed {
			return fmt.Errorf("S%d ended by itself: %v", p.id, p.command.ProcessState)
		}
	default:
	}
	return nil
}
