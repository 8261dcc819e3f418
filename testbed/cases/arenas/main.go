// Command arenas holds arenas that nobody frees, and maps that only objects in them hold.
package main

import (
	"arena"
	"runtime"

	"cases/say"
)

type rec struct {
	id   int
	tags map[string]int
	next *rec
	pad  [64]byte
}
type request struct {
	a    *arena.Arena
	head *rec
}

var open []*request

func main() {
	for r := 0; r < 3; r++ {
		q := &request{a: arena.NewArena()}
		for i := 0; i < 20_000; i++ {
			x := arena.New[rec](q.a)
			x.id, x.next = i, q.head
			if i%100 == 0 {
				x.tags = map[string]int{"a": i, "b": 1}
			}
			q.head = x
		}
		open = append(open, q)
	}
	runtime.GC()
	say.Maps(600, 2, "main.open[].head.tags")
	say.Ready()
	runtime.KeepAlive(open)
}
