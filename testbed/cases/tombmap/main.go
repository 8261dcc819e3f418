// Command tombmap has a map of its own whose deleted nodes stay.
package main

import (
	"runtime"
	"sync/atomic"

	"cases/say"
)

// A lock-free hash map of one's own: Del marks a node and never unlinks it.
type node[V any] struct {
	key     uint64
	value   atomic.Pointer[V]
	deleted atomic.Bool
	next    atomic.Pointer[node[V]]
}
type table[V any] struct {
	buckets []atomic.Pointer[node[V]]
	live    atomic.Int64
}

func newTable[V any](n int) *table[V] { return &table[V]{buckets: make([]atomic.Pointer[node[V]], n)} }
func (t *table[V]) Set(k uint64, v *V) {
	b := &t.buckets[k%uint64(len(t.buckets))]
	n := &node[V]{key: k}
	n.value.Store(v)
	n.next.Store(b.Load())
	b.Store(n)
	t.live.Add(1)
}
func (t *table[V]) Del(k uint64) {
	for n := t.buckets[k%uint64(len(t.buckets))].Load(); n != nil; n = n.next.Load() {
		if n.key == k && !n.deleted.Load() {
			n.deleted.Store(true)
			n.value.Store(nil)
			t.live.Add(-1)
			return
		}
	}
}

type answer struct{ rr [96]byte }

var cache = newTable[answer](4096)

func main() {
	n := 400_000
	for i := 0; i < n; i++ {
		cache.Set(uint64(i), &answer{})
		if i >= 2000 {
			cache.Del(uint64(i - 2000))
		}
	}
	runtime.GC()
	say.Ready()
	runtime.KeepAlive(cache)
}
