// Command ctxchain makes one more context.WithValue for each message: a chain that only a local variable holds.
package main

import (
	"context"
	"runtime"

	"cases/say"
)

type key struct{}
type span struct {
	id   int
	attr [40]byte
}

type worker struct {
	name string
	ctx  context.Context
}

func (w *worker) handle(i int) {
	w.ctx = context.WithValue(w.ctx, key{}, &span{id: i}) // one link more for each message
}

func main() {
	w := &worker{name: "consumer", ctx: context.Background()}
	n := 300_000
	for i := 0; i < n; i++ {
		w.handle(i)
	}
	runtime.GC()
	say.Ready()
	runtime.KeepAlive(w)
}
