// Package lib has maps and caches laid out as those of well-known libraries are.
package lib

import (
	"container/list"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Striped counts in stripes, in a table behind a pointer without a type.
type Striped[K comparable, V any] struct {
	grown int64
	table unsafe.Pointer // *stripedTable[K, V]
	hash  func(K) uint64
}

type stripedTable[K comparable, V any] struct {
	buckets []paddedBucket
	size    []stripe
}

type stripe struct {
	c   int64
	pad [56]byte
}

type paddedBucket struct {
	pad [8]byte
	bucket
}

type bucket struct {
	next    unsafe.Pointer // *paddedBucket
	entries [5]unsafe.Pointer
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// NewStriped makes one with so many buckets; it never grows.
func NewStriped[K comparable, V any](buckets int, hash func(K) uint64) *Striped[K, V] {
	table := &stripedTable[K, V]{buckets: make([]paddedBucket, buckets), size: make([]stripe, 8)}
	return &Striped[K, V]{table: unsafe.Pointer(table), hash: hash}
}

// Add adds an entry without looking for the key.
func (m *Striped[K, V]) Add(key K, value V) {
	table := (*stripedTable[K, V])(m.table)
	at := m.hash(key) % uint64(len(table.buckets))
	table.size[at%8].c++
	for b := &table.buckets[at].bucket; ; b = &(*paddedBucket)(b.next).bucket {
		for i := range b.entries {
			if b.entries[i] == nil {
				b.entries[i] = unsafe.Pointer(&entry[K, V]{key, value})
				return
			}
		}
		if b.next == nil {
			b.next = unsafe.Pointer(&paddedBucket{})
		}
	}
}

// Dec counts one entry less in a stripe of its own, as a deletion by another goroutine does.
func (m *Striped[K, V]) Dec() { (*stripedTable[K, V])(m.table).size[7].c-- }

// Sharded is a value: copies of it are the same map.
type Sharded[K comparable, V any] struct {
	shards []*shard[K, V]
}

type shard[K comparable, V any] struct {
	items map[K]V
	sync.RWMutex
}

// NewSharded makes one with so many shards, the last of which has no map yet.
func NewSharded[K comparable, V any](shards int) Sharded[K, V] {
	m := Sharded[K, V]{make([]*shard[K, V], shards)}
	for i := range m.shards {
		m.shards[i] = &shard[K, V]{}
		if i < shards-1 {
			m.shards[i].items = map[K]V{}
		}
	}
	return m
}

// Put adds to a shard.
func (m Sharded[K, V]) Put(shard int, key K, value V) { m.shards[shard].items[key] = value }

// LRU is a map and a list; whoever asks for it gets an interface.
type LRU[K comparable, V any] struct {
	size  int
	order *list.List
	items map[K]*list.Element
}

// Cache is what an LRU is behind.
type Cache[K comparable, V any] struct {
	inner interface{ Put(K, V) }
	lock  sync.Mutex
}

// NewCache makes one.
func NewCache[K comparable, V any](size int) *Cache[K, V] {
	return &Cache[K, V]{inner: NewLRU[K, V](size)}
}

// NewLRU makes one.
func NewLRU[K comparable, V any](size int) *LRU[K, V] {
	return &LRU[K, V]{size: size, order: list.New(), items: map[K]*list.Element{}}
}

// Put adds to what is inside.
func (c *Cache[K, V]) Put(key K, value V) { c.inner.Put(key, value) }

// Put adds an entry, and forgets the oldest.
func (c *LRU[K, V]) Put(key K, value V) {
	if c.order.Len() >= c.size {
		last := c.order.Back()
		delete(c.items, last.Value.(*entry[K, V]).key)
		c.order.Remove(last)
	}
	c.items[key] = c.order.PushFront(&entry[K, V]{key, value})
}

// Marked only marks what is deleted.
type Marked[V any] struct {
	buckets []atomic.Pointer[node[V]]
	live    atomic.Int32
}

type node[V any] struct {
	key     uint64
	deleted atomic.Bool
	next    atomic.Pointer[node[V]]
	value   V
}

// NewMarked makes one with so many buckets.
func NewMarked[V any](buckets int) *Marked[V] {
	return &Marked[V]{buckets: make([]atomic.Pointer[node[V]], buckets)}
}

// Set adds an entry without looking for the key.
func (m *Marked[V]) Set(key uint64, value V) {
	bucket := &m.buckets[key%uint64(len(m.buckets))]
	n := &node[V]{key: key, value: value}
	n.next.Store(bucket.Load())
	bucket.Store(n)
	m.live.Add(1)
}

// Del marks an entry.
func (m *Marked[V]) Del(key uint64) {
	for n := m.buckets[key%uint64(len(m.buckets))].Load(); n != nil; n = n.next.Load() {
		if n.key == key && !n.deleted.Load() {
			n.deleted.Store(true)
			m.live.Add(-1)
			return
		}
	}
}

// Broken says that it has less than nothing.
type Broken struct {
	count int64
	rest  *[64]byte
}

// NewBroken makes one.
func NewBroken() *Broken { return &Broken{-1, new([64]byte)} }
