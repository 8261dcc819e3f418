// Command ctxcancel makes children of a context that nobody cancels.
package main

import (
	"context"
	"runtime"

	"cases/say"
)

type evaluator struct{ root context.Context }
type candidate struct{ nodes [300]byte }

var sched *evaluator

func (e *evaluator) dryRun(i int) {
	ctx, cancel := context.WithCancel(context.WithValue(e.root, "candidate", &candidate{}))
	_ = cancel // is called on an error only
	_ = ctx
}

func main() {
	root, stop := context.WithCancel(context.Background())
	sched = &evaluator{root}
	n := 40_000
	for i := 0; i < n; i++ {
		sched.dryRun(i)
	}
	runtime.GC()
	say.Maps(1, n, "main.sched.root.children")
	say.Ready()
	stop()
}
