package web

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// CheckListen refuses to listen on address (host:port) beyond this machine's loopback when nothing would be asked of who
// comes: with neither a token nor insecure said. A name other than localhost counts as beyond.
func CheckListen(address string, hasTokens, insecure bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not host:port", address)
	}
	if isLoopback(host) || hasTokens || insecure {
		return nil
	}
	return fmt.Errorf("whoever reaches %s could operate the cluster: give a token file, listen on 127.0.0.1, or say --insecure", address)
}

// WarnListen returns a sentence about what CheckListen let pass and its user should know, or "".
func WarnListen(address string, hasTokens, hasTLS bool) string {
	host, _, err := net.SplitHostPort(address)
	switch {
	case err != nil || isLoopback(host):
		return ""
	case !hasTokens:
		return fmt.Sprintf("whoever reaches %s can operate the cluster: nobody is asked for a token", address)
	case !hasTLS:
		return fmt.Sprintf("tokens and data travel to %s as plain text: whoever listens on the way can read them and operate the cluster", address)
	}
	return ""
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// boundedListener closes connections beyond a number, in total and from one address, as soon as they come.
type boundedListener struct {
	net.Listener
	most, mostPerAddress int

	mu        sync.Mutex
	total     int
	addresses map[string]int
}

func newBoundedListener(l net.Listener, most, mostPerAddress int) *boundedListener {
	return &boundedListener{Listener: l, most: most, mostPerAddress: mostPerAddress, addresses: map[string]int{}}
}

func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		key := addressKey(c.RemoteAddr().String())
		if l.admit(key) {
			return &boundedConn{TCPConn: c.(*net.TCPConn), release: sync.OnceFunc(func() { l.release(key) })}, nil
		}
		_ = c.Close()
	}
}

func (l *boundedListener) admit(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total >= l.most || l.addresses[key] >= l.mostPerAddress {
		return false
	}
	l.total++
	l.addresses[key]++
	return true
}

func (l *boundedListener) release(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if l.addresses[key]--; l.addresses[key] == 0 {
		delete(l.addresses, key)
	}
}

// boundedConn is the TCP connection itself, so that two buffers are still written with one system call.
type boundedConn struct {
	*net.TCPConn
	release func()
}

func (c *boundedConn) Close() error {
	c.release()
	return c.TCPConn.Close()
}
