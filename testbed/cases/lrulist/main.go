// Command lrulist has a cache whose list grows while its map does not.
package main

import (
	"container/list"
	"fmt"
	"runtime"

	"cases/say"
)

type lru struct {
	entries map[string]*list.Element
	mru     *list.List
	size    int
}
type item struct {
	key   string
	value any
}
type endpoint struct {
	uri  string
	meta [64]byte
}

func (c *lru) Put(k string, v any) { // forgets the element that has this key already
	if len(c.entries) >= c.size {
		last := c.mru.Back()
		delete(c.entries, last.Value.(*item).key)
		c.mru.Remove(last)
	}
	c.entries[k] = c.mru.PushFront(&item{k, v})
}

type resolver struct{ cache *lru }

var endpoints = &resolver{&lru{map[string]*list.Element{}, list.New(), 100}}

func main() {
	n := 150_000
	for i := 0; i < n; i++ {
		endpoints.cache.Put(fmt.Sprintf("bucket-%d", i%10), &endpoint{uri: fmt.Sprintf("https://%d", i)})
	}
	runtime.GC()
	say.Maps(1, 10, "main.endpoints.cache.entries")
	say.Ready()
	runtime.KeepAlive(endpoints)
}
