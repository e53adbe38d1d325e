//go:build unix

package torture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// exchange stands between stores: each has an HTTP proxy (CONNECT) of its own there, through which it reaches the others by
// addresses that lead nowhere without it. So every link of every store can be treated for itself, while all stores give the
// same addresses, to each other too, as stores do whose operator has put a proxy between them.
type exchange struct {
	t         testing.TB
	real      map[string]uint64 // the store at an address that the stores know
	listen    map[uint64]string // where the stores really listen
	proxies   map[uint64]net.Listener
	mu        sync.Mutex
	links     map[link]*linkState
	closed    bool
	listeners sync.WaitGroup
	flows     sync.WaitGroup
}

// link leads from a store to another. It carries the first one's messages; the other one's travel on its own link.
type link struct{ from, to uint64 }

// treatment is what happens to a link.
type treatment struct {
	kind  treatmentKind
	delay time.Duration
}

type treatmentKind uint8

const (
	opened treatmentKind = iota
	// cut: connections break, and new ones are refused.
	cut
	// held: nothing gets through, and nobody is told; what was sent arrives when the link is open again, as TCP does.
	held
	// swallowed: nothing gets through, and nobody is told; what was sent is lost, and the connection breaks in the end.
	swallowed
)

func (k treatmentKind) String() string {
	return [...]string{"open", "cut", "held", "swallowed"}[k]
}

type linkState struct {
	treatment
	changed chan struct{} // closed when the treatment changes
	conns   map[net.Conn]bool
}

// bufferBytes is what is carried at a time, and backlogMax how many of those wait on a slow link.
const (
	bufferBytes = 16 << 10
	backlogMax  = 256
)

// newExchange puts proxies between stores; outside are the addresses by which they know each other, inside where they listen.
func newExchange(t testing.TB, outside, inside map[uint64]string) *exchange {
	t.Helper()
	x := &exchange{t: t, real: map[string]uint64{}, listen: inside, proxies: map[uint64]net.Listener{}, links: map[link]*linkState{}}
	t.Cleanup(x.close)
	for id, address := range outside {
		x.real[address] = id
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		x.proxies[id] = listener
		for other := range outside {
			if other != id {
				x.links[link{id, other}] = &linkState{changed: make(chan struct{}), conns: map[net.Conn]bool{}}
			}
		}
	}
	// Who accepts reads what is above, and nobody writes it any more.
	for id, listener := range x.proxies {
		x.listeners.Go(func() { x.accept(id, listener) })
	}
	return x
}

// env has a store dial through its proxy.
func (x *exchange) env(id uint64) []string {
	proxy := "http://" + x.proxies[id].Addr().String()
	return []string{"HTTPS_PROXY=" + proxy, "https_proxy=" + proxy, "NO_PROXY=", "no_proxy="}
}

// treat changes what happens to a link from now on.
func (x *exchange) treat(l link, to treatment) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.treatLocked(l, to)
}

func (x *exchange) treatLocked(l link, to treatment) {
	s := x.links[l]
	// What was swallowed is missing: nothing more can come on those connections.
	if to.kind == cut || s.kind == swallowed && to.kind != swallowed {
		for c := range s.conns {
			_ = c.Close()
		}
	}
	s.treatment = to
	close(s.changed)
	s.changed = make(chan struct{})
}

// between treats the links of two stores, both ways.
func (x *exchange) between(a, b uint64, to treatment) {
	x.treat(link{a, b}, to)
	x.treat(link{b, a}, to)
}

// around treats all links of a store, both ways.
func (x *exchange) around(id uint64, to treatment) {
	for other := range x.listen {
		if other != id {
			x.between(id, other, to)
		}
	}
}

// heal opens every link.
func (x *exchange) heal() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for l := range x.links {
		x.treatLocked(l, treatment{kind: opened})
	}
}

func (x *exchange) look(l link) (now treatment, changed <-chan struct{}) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.links[l]
	return s.treatment, s.changed
}

func (x *exchange) accept(from uint64, listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		x.flows.Go(func() {
			defer conn.Close()
			if err := x.serve(from, conn); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				x.t.Logf("the link of S%d: %v", from, err)
			}
		})
	}
}

// serve carries one connection of a store.
func (x *exchange) serve(from uint64, conn net.Conn) error {
	// It is held to a link only once it says which.
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	request, err := http.ReadRequest(bufio.NewReader(conn)) // nothing follows before the answer
	if err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	to := x.real[request.Host]
	if request.Method != http.MethodConnect || to == 0 || to == from {
		return fmt.Errorf("%s %s was not expected", request.Method, request.Host)
	}
	l := link{from, to}
	if !x.join(l, conn) {
		return nil
	}
	defer x.leave(l, conn)
	server, err := net.Dial("tcp", x.listen[to])
	if err != nil {
		_, _ = io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\n\r\n") // who asked may have gone
		return nil
	}
	defer server.Close()
	if !x.join(l, server) {
		return nil
	}
	defer x.leave(l, server)
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return nil // who asked has gone
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{conn, server}, {server, conn}} {
		both.Go(func() {
			x.carry(l, way[0], way[1])
			_, _ = conn.Close(), server.Close() // the other way ends as well
		})
	}
	both.Wait()
	return nil
}

// join notes a connection; false when the link is cut.
func (x *exchange) join(l link, conn net.Conn) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed || x.links[l].kind == cut {
		return false
	}
	x.links[l].conns[conn] = true
	return true
}

func (x *exchange) leave(l link, conn net.Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.links[l].conns, conn)
}

// piece is what was read at a moment.
type piece struct {
	bytes []byte
	at    time.Time
}

// carry carries one way until it breaks.
func (x *exchange) carry(l link, from, to net.Conn) {
	pieces := make(chan piece, backlogMax)
	go func() {
		defer close(pieces)
		for {
			buffer := make([]byte, bufferBytes)
			n, err := from.Read(buffer)
			if n > 0 {
				pieces <- piece{buffer[:n], time.Now()}
			}
			if err != nil {
				return
			}
		}
	}()
	broken := false
	for p := range pieces { // to the end, so that who reads can end
		broken = broken || !x.pass(l, p, to)
		if broken {
			_ = from.Close()
		}
	}
}

// pass lets a piece through, if the link does; false when the connection is broken.
func (x *exchange) pass(l link, p piece, to net.Conn) bool {
	for {
		now, changed := x.look(l)
		switch now.kind {
		case held:
			<-changed
			continue
		case swallowed:
			return true
		case cut:
			return false
		}
		if wait := time.Until(p.at.Add(now.delay)); wait > 0 {
			select {
			case <-changed:
			case <-time.After(wait):
			}
			continue
		}
		_, err := to.Write(p.bytes)
		return err == nil
	}
}

func (x *exchange) close() {
	for _, listener := range x.proxies {
		_ = listener.Close()
	}
	x.listeners.Wait()
	x.mu.Lock()
	x.closed = true
	for l, s := range x.links {
		for c := range s.conns {
			_ = c.Close()
		}
		x.treatLocked(l, treatment{kind: cut})
	}
	x.mu.Unlock()
	x.flows.Wait()
}
