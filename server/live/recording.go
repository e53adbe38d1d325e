package live

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// recordingBytesMax bounds a recording once it is unpacked.
const recordingBytesMax = 256 << 20

// ErrNoRecording is wrapped by what ReadRecording says of bytes that are no recording it can read.
var ErrNoRecording = errors.New("not a recording")

// WriteRecording writes what was seen of a cluster as a file: a gzipped sessionpb.Recording.
func WriteRecording(out io.Writer, r *sessionpb.Recording) error {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
	if err != nil {
		return fmt.Errorf("the recording does not encode: %w", err)
	}
	if len(encoded) > recordingBytesMax {
		return fmt.Errorf("the recording has %d bytes unpacked, more than the %d MiB that can be read", len(encoded), recordingBytesMax>>20)
	}
	packed := gzip.NewWriter(out)
	if _, err := packed.Write(encoded); err != nil {
		return fmt.Errorf("cannot write the recording: %w", err)
	}
	if err := packed.Close(); err != nil {
		return fmt.Errorf("cannot write the recording: %w", err)
	}
	return nil
}

// ReadRecording reads what WriteRecording, or a page, wrote. It looks at everything a reader relies on: that each stretch
// has a keyframe and its events follow one another.
func ReadRecording(in io.Reader) (*sessionpb.Recording, error) {
	return readRecording(in, recordingBytesMax)
}

func readRecording(in io.Reader, bytesMax int) (*sessionpb.Recording, error) {
	packed, err := gzip.NewReader(bufio.NewReader(in))
	if err != nil {
		return nil, unreadable("it is not gzipped", err)
	}
	encoded, err := io.ReadAll(io.LimitReader(packed, int64(bytesMax)+1))
	if err != nil {
		return nil, unreadable("it is damaged or cut short", err)
	}
	if len(encoded) > bytesMax {
		return nil, fmt.Errorf("%w: it has more than %d MiB unpacked", ErrNoRecording, bytesMax>>20)
	}
	r := &sessionpb.Recording{}
	if err := proto.Unmarshal(encoded, r); err != nil {
		return nil, fmt.Errorf("%w: it is packed, but holds something else", ErrNoRecording)
	}
	if err := checkRecording(r); err != nil {
		return nil, err
	}
	return r, nil
}

// unreadable tells an error of the file's bytes from one of its reading, which is passed on.
func unreadable(what string, err error) error {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	for _, of := range []error{gzip.ErrHeader, gzip.ErrChecksum, io.EOF, io.ErrUnexpectedEOF} {
		corrupt = corrupt || errors.Is(err, of)
	}
	if corrupt {
		return fmt.Errorf("%w: %s", ErrNoRecording, what)
	}
	return fmt.Errorf("cannot read the recording: %w", err)
}

func checkRecording(r *sessionpb.Recording) error {
	switch v := r.GetHello().GetProtocolVersion(); {
	case r.GetHello() == nil:
		return fmt.Errorf("%w: it does not begin with a hello", ErrNoRecording)
	case v > ProtocolVersion:
		return fmt.Errorf("the recording is of a newer raftplay (%q, protocol %d): this one reads protocol %d", r.GetVersion(), v, ProtocolVersion)
	}
	for i, s := range r.GetStretches() {
		if s.GetKeyframe() == nil {
			return fmt.Errorf("%w: stretch %d has no keyframe", ErrNoRecording, i+1)
		}
		seq := s.GetKeyframe().GetSeq()
		for _, e := range s.GetEvents() {
			if seq++; e.GetSeq() != seq {
				return fmt.Errorf("%w: in stretch %d event %d follows event %d", ErrNoRecording, i+1, e.GetSeq(), seq-1)
			}
		}
	}
	return nil
}
