package main

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// How keys and values are written on the command line and printed.
const (
	asText   = "text"
	asHex    = "hex"
	asBase64 = "base64"
)

// valueBytesMax bounds what is read as a value; the stores have the same bound.
const valueBytesMax = 1 << 20

func (o *ctl) encoding() string {
	switch {
	case o.hex:
		return asHex
	case o.base64:
		return asBase64
	}
	return asText
}

// encodingOf is the one in which JSON shows some keys and values: text that is no UTF-8 becomes base64.
func (o *ctl) encodingOf(all ...[]byte) string {
	encoding := o.encoding()
	for _, b := range all {
		if encoding == asText && !utf8.Valid(b) {
			return asBase64
		}
	}
	return encoding
}

func encodeAs(encoding string, b []byte) string {
	switch encoding {
	case asHex:
		return hex.EncodeToString(b)
	case asBase64:
		return base64.StdEncoding.EncodeToString(b)
	}
	return string(b)
}

func (o *ctl) text(b []byte) string { return encodeAs(o.encoding(), b) }

// bytes reads a key or value of the command line.
func (o *ctl) bytes(what, argument string) (b []byte, err error) {
	switch o.encoding() {
	case asHex:
		b, err = hex.DecodeString(argument)
	case asBase64:
		b, err = base64.StdEncoding.DecodeString(argument)
	default:
		b = []byte(argument)
	}
	if err != nil {
		return nil, fmt.Errorf("the %s %q is not %s", what, argument, o.encoding())
	}
	return b, nil
}

func (o *ctl) key(argument string) ([]byte, error) {
	if argument == "" {
		return nil, errors.New("the key is empty")
	}
	return o.bytes("key", argument)
}

// value reads a value of the command line, or all of standard input as it is.
func (o *ctl) value(argument string, stdin io.Reader) ([]byte, error) {
	if argument != "-" {
		return o.bytes("value", argument)
	}
	value, err := io.ReadAll(io.LimitReader(stdin, valueBytesMax+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the value from standard input: %w", err)
	}
	if len(value) > valueBytesMax {
		return nil, fmt.Errorf("the value on standard input has more than %d bytes, the most", valueBytesMax)
	}
	return value, nil
}
