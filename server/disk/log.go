package disk

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
)

// logger carries Pebble's words to slog. What Pebble calls fatal ends the engine, not the process.
type logger struct {
	log     *slog.Logger
	failure *failure
}

var _ pebble.Logger = logger{}

// Infof implements pebble.Logger. Pebble tells much: it is for whoever looks into Pebble.
func (l logger) Infof(format string, args ...any) { l.log.Debug(fmt.Sprintf(format, args...)) }

// Errorf implements pebble.Logger.
func (l logger) Errorf(format string, args ...any) { l.log.Warn(fmt.Sprintf(format, args...)) }

// Fatalf implements pebble.Logger. Unlike Pebble's own, it returns: the failure is looked at before anything is
// acknowledged, and nothing reaches the folder after it.
func (l logger) Fatalf(format string, args ...any) { l.failure.fail(fmt.Errorf(format, args...)) }

// listener hears what goes on behind the commits.
func listener(log *slog.Logger, f *failure) *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) { f.fail(err) },
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			f.fail(fmt.Errorf("%w: %s: %w", ErrCorrupt, info.Path, info.Details))
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			log.Warn("writes wait for the disk to catch up", "reason", info.Reason)
		},
		WriteStallEnd: func() { log.Info("writes go on") },
		LowDiskSpace: func(info pebble.LowDiskSpaceInfo) {
			log.Warn("the disk is nearly full", "availableBytes", info.AvailBytes, "totalBytes", info.TotalBytes)
		},
	}
}
