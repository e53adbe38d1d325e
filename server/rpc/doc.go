// Package rpc holds the services between the processes of a live cluster: their schema, and the code generated from it.
// It stands apart from core/pb so that the core, and with it the page's wasm, never carries gRPC.
package rpc
