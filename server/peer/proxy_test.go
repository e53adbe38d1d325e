package peer

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// proxy carries TCP connections to a target, and does to them what networks do.
type proxy struct {
	target   string
	listener net.Listener
	work     sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	delay time.Duration
	// hole: what comes is read and lost. closed: the proxy ends.
	hole, closed bool
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &proxy{target: target, listener: listener, conns: map[net.Conn]bool{}}
	p.work.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		if !p.keep(near, far) {
			return
		}
		p.work.Go(func() { p.carry(near, far) })
		p.work.Go(func() { p.carry(far, near) })
	}
}

func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
		if p.closed {
			_ = c.Close()
		}
	}
	return !p.closed
}

func (p *proxy) carry(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 64<<10)
	swallowed := false
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		delay, hole := p.delay, p.hole
		p.mu.Unlock()
		swallowed = swallowed || hole
		if err != nil && err != io.EOF || n == 0 {
			return
		}
		if swallowed {
			continue // a connection with a gap is of no use any more, and neither end is told
		}
		time.Sleep(delay)
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// swallow makes the link a black hole, or ends that for new connections.
func (p *proxy) swallow(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hole = on
}

func (p *proxy) slow(delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = delay
}

// cut closes the connections that there are.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cut()
	p.work.Wait()
}

// attentive are limits under which a silent line is noticed soon.
func attentive() Limits {
	l := quick()
	l.PingInterval, l.PingTimeout, l.ConnectTimeout = 50*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	return l
}

func TestABlackHoleIsNoticedAndLeftAgain(t *testing.T) {
	two := newStation(t, 2, setup{deaf: true})
	p := newProxy(t, two.address)
	one := newStation(t, 1, setup{known: map[uint64]string{2: p.address()}, limits: attentive()})
	one.awaitConnected(2)
	must(t, one.transport.Send(2, message(1, 2, 1, 0)))
	until(t, "the message came", func() bool { return two.inbox.has(1, 1) })

	p.swallow(true)
	began := time.Now()
	// A line that is busy sending notices as well as an idle one.
	until(t, "it is noticed", func() bool {
		_ = one.transport.Send(2, message(1, 2, 2, 0))
		return one.log.count("S2 has been silent for") > 0
	})
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("given up after %v", took)
	}
	if lost := <-one.unreachable; lost != 2 {
		t.Errorf("S%d is unreachable", lost)
	}
	until(t, "a new connection is swallowed too", func() bool {
		return strings.HasPrefix(one.line(2).LastError, "S2 did not answer within 300ms")
	})
	p.swallow(false)
	one.awaitConnected(2)
	until(t, "messages go again", func() bool {
		_ = one.transport.Send(2, message(1, 2, 3, 0))
		return two.inbox.has(1, 3)
	})
}

func TestAQuietLineStaysOpen(t *testing.T) {
	two := newStation(t, 2, setup{})
	one := newStation(t, 1, setup{known: map[uint64]string{2: two.address}, limits: Limits{
		PingInterval: 5 * time.Millisecond, PingTimeout: 5 * time.Second,
	}})
	one.awaitConnected(2)
	// Each question is a stream: the server counts none of them as refused, and the inbox hears nothing.
	until(t, "it was asked several times", func() bool { return two.learned.Load() > 20 })
	if line := one.line(2); !line.Connected || line.Connects != 1 || two.inbox.len() != 0 {
		t.Errorf("the line stands at %+v, %d messages came", line, two.inbox.len())
	}
}

func TestASlowLinkIsNotTakenForABlackHole(t *testing.T) {
	two := newStation(t, 2, setup{deaf: true})
	p := newProxy(t, two.address)
	p.slow(20 * time.Millisecond)
	one := newStation(t, 1, setup{known: map[uint64]string{2: p.address()}, limits: Limits{
		PingInterval: 10 * time.Millisecond, PingTimeout: 5 * time.Second,
	}})
	one.awaitConnected(2)
	for id := range uint64(50) {
		must(t, one.transport.Send(2, message(1, 2, id+1, 1<<10)))
	}
	until(t, "all messages came", func() bool { return two.inbox.len() == 50 })
	if line := one.line(2); line.Connects != 1 {
		t.Errorf("the line stands at %+v", line)
	}
}

func TestAConnectionThatIsCutIsMadeAgain(t *testing.T) {
	two := newStation(t, 2, setup{deaf: true})
	p := newProxy(t, two.address)
	one := newStation(t, 1, setup{known: map[uint64]string{2: p.address()}, limits: quick()})
	for id := range uint64(5) {
		until(t, "messages go", func() bool {
			_ = one.transport.Send(2, message(1, 2, id+1, 0))
			return two.inbox.has(1, id+1)
		})
		p.cut()
		if lost := <-one.unreachable; lost != 2 {
			t.Errorf("S%d is unreachable", lost)
		}
		until(t, "a new connection is made", func() bool { return one.line(2).Connects >= id+2 })
	}
	if one.log.count("the connection broke: ") == 0 {
		t.Errorf("it was logged: %q", one.log.lines)
	}
}
