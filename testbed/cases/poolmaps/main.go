// Command poolmaps puts a map back into a sync.Pool, which is a field, with all its slots.
package main

import (
	"fmt"
	"runtime"
	"sync"

	"cases/say"
)

type decoder struct {
	pool   sync.Pool // by value: the runtime's list of pools points into decoder
	fields map[string]int
	seen   map[int]string
}
type server struct{ dec *decoder }

func (d *decoder) run(n int) {
	m := d.pool.Get().(map[int]int)
	for i := 0; i < n; i++ {
		m[i] = i
	}
	for k := range m {
		delete(m, k)
	}
	d.pool.Put(m)
}

func main() {
	s := &server{dec: &decoder{fields: map[string]int{}, seen: map[int]string{}}}
	s.dec.pool.New = func() any { return map[int]int{} }
	for i := 0; i < 5000; i++ {
		s.dec.fields[fmt.Sprint("field-", i)] = i
		s.dec.seen[i] = "x"
	}
	runtime.GC()
	s.dec.run(200_000) // one large request; the map goes back to the pool with all its slots
	s.dec.run(10)
	runtime.GC() // now in the victim cache
	say.Maps(1, 5000, "goroutine main.main: s.dec.fields")
	say.Maps(1, 5000, "goroutine main.main: s.dec.seen")
	say.Ready()
	runtime.KeepAlive(s)
}
