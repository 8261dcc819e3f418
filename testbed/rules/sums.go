package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"sync"
	"unsafe"
)

// What must be added up, or must not be, is in these variables.
var (
	rooms    []*chatRoom
	turns    struct{ now, next map[int64]int64 }
	document any
	caches   []*cached
)

type chatRoom struct{ peers map[int64]int64 }

// drain fills the maps of n rooms, and leaves three entries in each.
func drain(n int, filled, left int64) func() {
	return func() {
		for i := 0; i < n; i++ {
			r := &chatRoom{map[int64]int64{}}
			fill(r.peers, 0, filled)
			leave(r.peers, left)
			rooms = append(rooms, r)
		}
	}
}

// takeTurns has two maps that are filled in turn: one is full, the other has just been emptied.
func takeTurns() {
	turns.now, turns.next = map[int64]int64{}, map[int64]int64{}
	fill(turns.next, 0, 100_000)
	clear(turns.next)
	fill(turns.next, 0, 20)
	fill(turns.now, 0, 100_000)
}

// A document: objects of two or three members, four deep.
func decode() {
	var text strings.Builder
	text.WriteString(`{"list":[`)
	for i := 0; i < 3000; i++ {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"id":%d,"of":{"kind":{"a":1,"b":[{"c":2,"d":3}]}}}`, i)
	}
	text.WriteString(`]}`)
	if err := json.Unmarshal([]byte(text.String()), &document); err != nil {
		panic(err)
	}
}

type cached struct{ extra map[int64]int64 }

// empty makes n maps that had an entry once.
func empty(n int) func() {
	return func() {
		caches = make([]*cached, 0, n)
		for i := 0; i < n; i++ {
			c := &cached{map[int64]int64{1: 1}}
			delete(c.extra, 1)
			caches = append(caches, c)
		}
	}
}

// A goroutine that nobody can wake, with a thousand texts of which there are only a hundred.
//
//go:noinline
func waitWithTexts(c chan int, texts []string, started *sync.WaitGroup) {
	started.Done()
	<-c
	runtime.KeepAlive(texts)
}

func leakTexts() {
	var started sync.WaitGroup
	for i := 0; i < waiting; i++ {
		texts := make([]string, 40)
		for k := range texts {
			texts[k] = strings.Clone(fmt.Sprintf("a-name-of-some-length-%018d", k))
		}
		c := make(chan int)
		hidden = append(hidden, ^uintptr(*(*unsafe.Pointer)(unsafe.Pointer(&c))))
		started.Add(1)
		go waitWithTexts(c, texts, &started)
	}
	started.Wait()
	for running() > 0 {
		runtime.Gosched()
	}
}

func init() {
	scenarios["gm001-many"] = scenario{"GM001", "main.rooms[].peers", drain(4000, 900, 3), func() {
		for _, r := range rooms {
			fresh := make(map[int64]int64, len(r.peers))
			maps.Copy(fresh, r.peers)
			r.peers = fresh
		}
	}, live}
	near("gm001-many-near", "GM001", drain(4000, 900, 600))
	near("gm001-turns-near", "GM001", takeTurns)
	near("gm011-turns-near", "GM011", takeTurns)

	// As slices of pairs, nothing is left of the maps; what they hold stays.
	scenarios["gm009-document"] = scenario{"GM009", "main.document", decode, nil, live}
	scenarios["gm009-empty"] = scenario{"GM009", "main.caches[].extra", empty(20_000), func() {
		for _, c := range caches {
			c.extra = nil
		}
	}, live}

	scenarios["gh005-texts"] = scenario{"GH005", "main.waitWithTexts", leakTexts, wake, stacks}
}
