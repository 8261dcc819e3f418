package main

import (
	"container/list"
	"fmt"
	"sort"
)

type cacheEntry struct {
	key   int
	value []byte
}

// A cache with a bound: what was used least goes when something comes.
type cache struct {
	limit int
	order *list.List
	byKey map[int]*list.Element
}

func (c *cache) put(key int, value []byte) {
	if c.order.Len() >= c.limit {
		oldest := c.order.Back()
		c.order.Remove(oldest)
		delete(c.byKey, oldest.Value.(*cacheEntry).key)
	}
	c.byKey[key] = c.order.PushFront(&cacheEntry{key, value})
}

var pages = &cache{limit: 20_000, order: list.New(), byKey: map[int]*list.Element{}}

func boundedCache() {
	for i := 0; i < 200_000; i++ {
		pages.put(i, make([]byte, 200))
	}
}

var settings = map[string]map[string]string{}

// config has a map for each of a few hundred sections.
func config() {
	for s := 0; s < 300; s++ {
		section := map[string]string{}
		for k := 0; k < 1+s%20; k++ {
			section[fmt.Sprintf("key-%d", k)] = fmt.Sprintf("the value of %d in %d", k, s)
		}
		settings[fmt.Sprintf("section-%d", s)] = section
	}
}

type logBuffer struct {
	lines []string
	text  []byte
}

var logBuffers []*logBuffer

// logs keeps the last lines of each of many sources.
func logs() {
	for s := 0; s < 100; s++ {
		b := &logBuffer{text: make([]byte, 0, 4096)}
		for i := 0; i < 200; i++ {
			line := fmt.Sprintf("source %d, line %d: something has happened", s, i)
			b.lines = append(b.lines, line)
			if len(b.text)+len(line) > cap(b.text) {
				b.text = b.text[:0]
			}
			b.text = append(b.text, line...)
		}
		logBuffers = append(logBuffers, b)
	}
}

type node struct {
	key         int
	left, right *node
	parent      *node
	documents   []int32
}

var (
	root  *node
	terms = map[string][]int32{}
)

func insert(key int) {
	at, above := &root, (*node)(nil)
	for *at != nil {
		above = *at
		if key < above.key {
			at = &above.left
		} else {
			at = &above.right
		}
	}
	*at = &node{key: key, parent: above, documents: []int32{int32(key)}}
}

// index is a search tree, and an index from words to sorted lists.
func index() {
	for i := 0; i < 50_000; i++ {
		insert(i * 7919 % 50_021)
		word := fmt.Sprintf("word-%d", i%5000)
		terms[word] = append(terms[word], int32(i))
	}
	for _, documents := range terms {
		sort.Slice(documents, func(a, b int) bool { return documents[a] < documents[b] })
	}
}

var state struct {
	arguments []string
	flags     map[string]bool
	history   []string
}

// cli is the state of a small command.
func cli() {
	state.arguments = []string{"inspect", "--format", "json"}
	state.flags = map[string]bool{"quiet": false, "color": true, "verbose": false}
	for i := 0; i < 100; i++ {
		state.history = append(state.history, fmt.Sprint("command ", i))
	}
}
