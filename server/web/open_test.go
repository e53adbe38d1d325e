package web

import "net/http"

// Open listens on an address and serves one handler there.
func Open(address string, handler http.Handler, options ServerOptions) (*Server, error) {
	listener, err := Listen(address)
	if err != nil {
		return nil, err
	}
	return Serve(listener, handler, options), nil
}
