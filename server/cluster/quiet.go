package cluster

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// quiet passes on what stores log until they end together: then each would warn that the others are gone.
type quiet struct {
	slog.Handler
	ending *atomic.Bool
}

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return q.Handler.Enabled(ctx, level) && (level > slog.LevelWarn || !q.ending.Load())
}

func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quiet{q.Handler.WithAttrs(attrs), q.ending}
}

func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name), q.ending} }
