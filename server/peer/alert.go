package peer

import (
	"context"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc/credentials"
)

// alertWait bounds the wait for an alert that has mostly come already.
const alertWait = 100 * time.Millisecond

// alerted makes a TLS client find out why it was sent away. In TLS 1.3 a server looks at the client's certificate when the
// client is done with its handshake and writes already: the client's write fails, and the reason waits to be read. It also
// looks whether the server is the store that was dialled.
type alerted struct {
	credentials.TransportCredentials
	storeID uint64
}

func (a alerted) Clone() credentials.TransportCredentials {
	return alerted{a.TransportCredentials.Clone(), a.storeID}
}

func (a alerted) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := a.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		return nil, nil, err
	}
	if certificate := leafOf(info); certificate != nil {
		if err := isOf(certificate, a.storeID); err != nil {
			_ = conn.Close()
			return nil, nil, err
		}
	}
	return &alertedConn{conn}, info, nil
}

type alertedConn struct{ net.Conn }

// Write gives the other end's alert as its error when there is one. A connection that cannot be written to is at its end,
// so what is read here is missed by nobody.
func (c *alertedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err == nil {
		return n, nil
	}
	if c.SetReadDeadline(time.Now().Add(alertWait)) == nil {
		if _, alert := c.Read(make([]byte, 1)); alert != nil && strings.Contains(alert.Error(), "remote error: tls:") {
			err = alert
		}
	}
	return n, err
}
