package live

// numbers counts what a gateway names anew. They go on when it watches again, so that a name is never used twice.
type numbers struct{ message, write, operation uint64 }

func (n *numbers) nextMessage() uint64   { n.message++; return n.message }
func (n *numbers) nextWrite() uint64     { n.write++; return n.write }
func (n *numbers) nextOperation() uint64 { n.operation++; return n.operation }
