// Command cleanupself has cleanups whose argument leads to their object, and finalizers in a cycle: none can ever run.
package main

import (
	"runtime"
	"time"

	"cases/say"
)

type impl struct {
	data    [8 << 10]byte
	onEvict func(string)
}
type cache struct{ i *impl }
type byteLRU struct {
	c     *cache
	bytes int
}

func newCache(onEvict func(string)) *cache {
	i := &impl{onEvict: onEvict}
	c := &cache{i}
	runtime.AddCleanup(c, func(i *impl) { i.onEvict = nil }, i) // i leads to c: it is never called
	return c
}

func newByteLRU() *byteLRU {
	b := &byteLRU{}
	b.c = newCache(func(k string) { b.bytes -= len(k) })
	return b
}

type conn struct {
	peer *conn
	buf  [4 << 10]byte
}

func pair() { // two with finalizers that lead to each other: never called either
	a, b := &conn{}, &conn{}
	a.peer, b.peer = b, a
	runtime.SetFinalizer(a, func(*conn) {})
	runtime.SetFinalizer(b, func(*conn) {})
}

func main() {
	for i := 0; i < 1500; i++ {
		newByteLRU()
		pair()
	}
	for i := 0; i < 5; i++ {
		runtime.GC()
		time.Sleep(20 * time.Millisecond)
	}
	say.Ready()
}
