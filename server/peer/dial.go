package peer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// dialer opens the connections of lines: directly, or, where the environment names a proxy for them (HTTPS_PROXY, NO_PROXY),
// through that one, as every gRPC client does.
type dialer struct{ direct net.Dialer }

func (d *dialer) dial(ctx context.Context, address string) (net.Conn, error) {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: "https", Host: address}})
	if err != nil {
		return nil, fmt.Errorf("the proxy that the environment names: %w", err)
	}
	if proxy == nil {
		return d.direct.DialContext(ctx, "tcp", address)
	}
	conn, err := d.direct.DialContext(ctx, "tcp", proxy.Host)
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", proxy.Host, err)
	}
	// A proxy that does not answer is given up with the connection.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	through, err := connect(ctx, conn, proxy, address)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("proxy %s: %w", proxy.Host, err), conn.Close())
	}
	return through, nil
}

// connect asks a proxy for a tunnel (RFC 9110, 9.3.6).
func connect(ctx context.Context, conn net.Conn, proxy *url.URL, address string) (net.Conn, error) {
	request := (&http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}).WithContext(ctx)
	if user := proxy.User; user != nil {
		password, _ := user.Password()
		basic := &http.Request{Header: http.Header{}}
		basic.SetBasicAuth(user.Username(), password)
		request.Header.Set("Proxy-Authorization", basic.Header.Get("Authorization"))
	}
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s", response.Status)
	}
	return &tunnel{conn, reader}, nil
}

// tunnel is a connection of which a part may have been read already.
type tunnel struct {
	net.Conn
	reader *bufio.Reader
}

func (t *tunnel) Read(b []byte) (int, error) { return t.reader.Read(b) }
