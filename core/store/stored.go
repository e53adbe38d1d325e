package store

import "raftplay/core/engine"

// Stored returns how a user's pair stands in an engine: under which key, with what in front of its value. It is for who
// plays with what a store has written; an engine that cannot be read holds nothing.
func Stored(reader engine.Reader, key []byte) (engineKey, stored []byte, valueAt int, found bool) {
	engineKey = dataKey(key)
	stored, found, err := reader.Get(engineKey)
	if err != nil || !found {
		return engineKey, nil, 0, false
	}
	_, value := decodeValue(stored)
	return engineKey, stored, len(stored) - len(value), true
}
