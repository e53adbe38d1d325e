package peer

import (
	"net"
	"sync/atomic"
	"time"
)

// pulse knows when a connection was last heard. It counts bytes of any kind: on a slow link that is full of a snapshot, the
// receiver's flow control is all that comes back for seconds.
type pulse struct {
	began time.Time
	heard atomic.Int64 // nanoseconds since began
}

func newPulse() *pulse { return &pulse{began: time.Now()} }

// silence is how long nothing has come.
func (p *pulse) silence() time.Duration { return time.Since(p.began) - time.Duration(p.heard.Load()) }

func (p *pulse) on(conn net.Conn) net.Conn { return &heardConn{conn, p} }

type heardConn struct {
	net.Conn
	pulse *pulse
}

func (c *heardConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.pulse.heard.Store(int64(time.Since(c.pulse.began)))
	}
	return n, err
}
