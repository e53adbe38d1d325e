package live

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

func TestAnEncodedFrameIsTheFrame(t *testing.T) {
	c := newScripted(1, 2)
	inTime(t, c, Limits{}, func(t *testing.T, g *Gateway) {
		plain, encoded := attach(t, g, viewer, nil), attach(t, g, viewer, nil)
		ask := func() (*sessionpb.Frame, *sessionpb.Frame) {
			bytes := whole(encoded.s.Draw(t.Context(), nil))
			frame := &sessionpb.Frame{}
			if err := proto.Unmarshal(bytes, frame); err != nil {
				t.Fatal(err)
			}
			encoded.take(frame)
			return plain.ask(), frame
		}
		for i := range 3 {
			a, b := ask()
			a.Status, b.Status = nil, nil
			if !proto.Equal(a, b) {
				t.Errorf("frame %d is\n%v\nencoded\n%v", i, a, b)
			}
			c.tell(1, sending(0, 2, uint64(2*i+1)), ticking(0), sending(0, 2, uint64(2*i+2)))
			time.Sleep(200 * time.Millisecond)
		}
		if plain.seq != 6 || encoded.seq != 6 {
			t.Errorf("%d and %d events", plain.seq, encoded.seq)
		}
	})
}

// whole is a frame's encoding in one piece.
func whole(d *Draft) []byte {
	own, shared := d.Append(nil)
	return append(own, shared...)
}
