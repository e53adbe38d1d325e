package sim

import (
	"raftplay/core/mirror"
	sessionpb "raftplay/core/pb/sessionpb/v1"
)

// mirrorMessage fills in a message on its way as viewers see it. EntryTerms may come with room.
func mirrorMessage(f *flight, out *sessionpb.Message) {
	out.Id, out.SentMicros, out.DueMicros, out.Doomed = f.id, f.sent, f.due, f.loss != 0
	out.CopyOf, out.Held = f.copyOf, f.held
	mirror.Message(&f.message, out)
}

// mirrorWrite fills in the write as it was started.
func (w *World) mirrorWrite(d *write, out *mirror.Write) *sessionpb.WriteStarted {
	e := &out.Event
	e.WriteId, e.MustSync, e.SizeBytes = d.id, d.ready.MustSync, uint32(d.sizeBytes())
	e.WrittenDueMicros, e.SyncedDueMicros = d.writtenDue, d.syncedDue
	out.Parts(d.parts, &w.entries)
	return e
}
