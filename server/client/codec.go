package client

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// frame is a message that was encoded by the goroutine whose it is: so the one that writes for all has less to do, and
// a caller that gives up may change its request at once.
type frame []byte

// codec is gRPC's own for protobuf, and takes frames as they are.
type codec struct{ encoding.CodecV2 }

var frames = codec{encoding.GetCodecV2(proto.Name)}

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if f, is := v.(frame); is {
		return mem.BufferSlice{mem.SliceBuffer(f)}, nil
	}
	return c.CodecV2.Marshal(v)
}
