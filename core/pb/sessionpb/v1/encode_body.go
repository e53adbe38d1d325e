package sessionpb

import raftcmdpb "raftplay/core/pb/raftcmdpb/v1"

// The messages of AppendEvent, without their tags and lengths, each in the order of its fields. Fields of which this
// version knows nothing come last, as proto has it. A nil in a list is an empty message.

func appendTicked(b []byte, m *Ticked) []byte {
	for _, t := range m.Timers {
		var start int
		b, start = begin(b, 1)
		b = end(appendPeerTimer(b, t), start)
	}
	return append(b, m.unknownFields...)
}

func appendPeerTimer(b []byte, m *PeerTimer) []byte {
	if m == nil {
		return b
	}
	b = appendUint(b, 1, m.RegionId)
	b = appendUint(b, 2, uint64(m.ElapsedTicks))
	b = appendUint(b, 3, uint64(m.TimeoutTicks))
	return append(b, m.unknownFields...)
}

func appendMessageSent(b []byte, m *MessageSent) []byte {
	if m.Message != nil {
		var start int
		b, start = begin(b, 1)
		b = end(appendMessage(b, m.Message), start)
	}
	return append(b, m.unknownFields...)
}

func appendMessage(b []byte, m *Message) []byte {
	b = appendUint(b, 1, m.Id)
	b = appendUint(b, 2, m.RegionId)
	b = appendUint(b, 3, m.FromStore)
	b = appendUint(b, 4, m.ToStore)
	b = appendUint(b, 5, m.FromPeer)
	b = appendUint(b, 6, m.ToPeer)
	b = appendUint(b, 7, uint64(m.Type))
	b = appendUint(b, 8, m.Term)
	b = appendUint(b, 9, m.LogTerm)
	b = appendUint(b, 10, m.Index)
	b = appendUint(b, 11, m.Commit)
	b = appendBool(b, 12, m.Reject)
	b = appendUint(b, 13, m.RejectHint)
	b = appendPacked(b, 14, m.EntryTerms)
	b = appendBool(b, 15, m.ReadContext)
	b = appendUint(b, 16, m.SnapshotIndex)
	b = appendUint(b, 17, m.SnapshotTerm)
	b = appendUint(b, 18, uint64(m.SizeBytes))
	b = appendUint(b, 19, uint64(m.SentMicros))
	b = appendUint(b, 20, uint64(m.DueMicros))
	b = appendBool(b, 21, m.Doomed)
	b = appendUint(b, 22, uint64(m.Chunk))
	b = appendBool(b, 23, m.LastChunk)
	b = appendUint(b, 24, m.SnapshotBytes)
	b = appendUint(b, 25, m.SnapshotBytesTotal)
	b = appendUint(b, 26, m.CopyOf)
	b = appendUint(b, 27, uint64(m.Held))
	return append(b, m.unknownFields...)
}

func appendMessageDelivered(b []byte, m *MessageDelivered) []byte {
	b = appendUint(b, 1, m.Id)
	b = appendBool(b, 2, m.ByHand)
	return append(b, m.unknownFields...)
}

func appendMessageLost(b []byte, m *MessageLost) []byte {
	b = appendUint(b, 1, m.Id)
	b = appendUint(b, 2, uint64(m.Reason))
	// Why is empty: see frequent.
	return append(b, m.unknownFields...)
}

func appendWriteStarted(b []byte, m *WriteStarted) []byte {
	b = appendUint(b, 1, m.WriteId)
	b = appendBool(b, 2, m.MustSync)
	b = appendUint(b, 3, uint64(m.SizeBytes))
	b = appendUint(b, 4, uint64(m.WrittenDueMicros))
	b = appendUint(b, 5, uint64(m.SyncedDueMicros))
	for _, p := range m.Peers {
		var start int
		b, start = begin(b, 6)
		b = end(appendPeerWrite(b, p), start)
	}
	return append(b, m.unknownFields...)
}

func appendPeerWrite(b []byte, m *PeerWrite) []byte {
	if m == nil {
		return b
	}
	b = appendUint(b, 1, m.RegionId)
	b = appendUint(b, 2, m.Term)
	b = appendUint(b, 3, m.Vote)
	b = appendUint(b, 4, m.Commit)
	b = appendUint(b, 5, m.FirstIndex)
	for _, e := range m.Entries {
		var start int
		b, start = begin(b, 6)
		b = end(appendLogEntry(b, e), start)
	}
	b = appendUint(b, 7, m.LastIndex)
	return append(b, m.unknownFields...)
}

func appendLogEntry(b []byte, m *LogEntry) []byte {
	if m == nil {
		return b
	}
	b = appendUint(b, 1, m.Index)
	b = appendUint(b, 2, m.Term)
	b = appendUint(b, 3, uint64(m.Type))
	b = appendBytes(b, 4, m.Command)
	b = appendUint(b, 5, uint64(m.SizeBytes))
	b = appendFixed(b, 6, m.Digest)
	return append(b, m.unknownFields...)
}

func appendWritten(b []byte, m *Written) []byte {
	return append(appendUint(b, 1, m.WriteId), m.unknownFields...)
}

func appendSynced(b []byte, m *Synced) []byte {
	return append(appendUint(b, 1, m.WriteId), m.unknownFields...)
}

func appendCommitted(b []byte, m *Committed) []byte {
	b = appendUint(b, 1, m.RegionId)
	b = appendUint(b, 2, m.Index)
	b = appendUint(b, 3, m.IndexBefore)
	return append(b, m.unknownFields...)
}

func appendApplied(b []byte, m *Applied) []byte {
	b = appendUint(b, 1, m.RegionId)
	b = appendUint(b, 2, m.Index)
	b = appendUint(b, 3, m.Term)
	b = appendUint(b, 4, uint64(m.Type))
	b = appendFixed(b, 5, m.Digest)
	for _, c := range m.Changes {
		var start int
		b, start = begin(b, 6)
		b = end(appendKeyChange(b, c), start)
	}
	// Refused is empty: see frequent.
	return append(b, m.unknownFields...)
}

func appendKeyChange(b []byte, m *KeyChange) []byte {
	if m == nil {
		return b
	}
	b = appendBytes(b, 1, m.Key)
	b = appendBool(b, 2, m.Deleted)
	b = appendBytes(b, 3, m.Value)
	b = appendUint(b, 4, uint64(m.ValueSizeBytes))
	b = appendUint(b, 5, m.Revision)
	return append(b, m.unknownFields...)
}

func appendProgressChanged(b []byte, m *ProgressChanged) []byte {
	b = appendUint(b, 1, m.RegionId)
	for _, p := range m.Progress {
		var start int
		b, start = begin(b, 2)
		b = end(appendProgress(b, p), start)
	}
	return append(b, m.unknownFields...)
}

func appendProgress(b []byte, m *raftcmdpb.PeerProgress) []byte {
	if m == nil {
		return b
	}
	b = appendUint(b, 1, m.GetPeerId())
	b = appendUint(b, 2, m.GetMatch())
	b = appendUint(b, 3, m.GetNext())
	b = appendUint(b, 4, uint64(m.GetState()))
	b = appendBool(b, 5, m.GetRecentActive())
	b = appendBool(b, 6, m.GetLearner())
	b = appendUint(b, 7, m.GetPendingSnapshot())
	return append(b, m.ProtoReflect().GetUnknown()...)
}

func appendOperationStarted(b []byte, m *OperationStarted) []byte {
	if m.Operation != nil {
		var start int
		b, start = begin(b, 1)
		b = end(appendOperation(b, m.Operation), start)
	}
	return append(b, m.unknownFields...)
}

func appendOperation(b []byte, m *Operation) []byte {
	b = appendUint(b, 1, m.Id)
	b = appendUint(b, 2, m.ToStore)
	b = appendRequest(b, 3, m.Request)
	b = appendUint(b, 4, uint64(m.StartedMicros))
	b = appendResponse(b, 5, m.Response)
	b = appendUint(b, 6, uint64(m.EndedMicros))
	b = appendUint(b, 7, uint64(m.Worker))
	b = appendUint(b, 8, m.RetryOf)
	return append(b, m.unknownFields...)
}

func appendOperationEnded(b []byte, m *OperationEnded) []byte {
	b = appendUint(b, 1, m.Id)
	b = appendResponse(b, 2, m.Response)
	return append(b, m.unknownFields...)
}
