// Command writer writes to maps as fast as it can, from the moment it says READY until its input ends. What it says is
// true of the maps that rest.
package main

import (
	"runtime"
	"strconv"
	"sync/atomic"

	"testbed/truth"
)

type value struct {
	a, b int
	p    *int
}

var (
	quiet  = map[string]int{}
	still  = map[int]*value{}
	busy   = map[int]int{}
	wide   = map[string][120]byte{}
	store  = map[string]*value{}
	rounds atomic.Int64
)

// numbers inserts, deletes and grows; every so often it starts again with an empty map.
func numbers() {
	for i := 0; ; i++ {
		busy[i] = i
		if i%3 == 0 {
			delete(busy, i/2)
		}
		if len(busy) == 300_000 {
			busy = map[int]int{}
		}
		rounds.Add(1)
	}
}

func elements() {
	for i := 0; ; i++ {
		wide[strconv.Itoa(i)] = [120]byte{0: byte(i)}
		delete(wide, strconv.Itoa(i-2_000))
		if i%50_000 == 0 {
			wide = map[string][120]byte{}
		}
		rounds.Add(1)
	}
}

func pointers() {
	n := 1
	for i := 0; ; i++ {
		store[strconv.Itoa(i)] = &value{a: i, p: &n}
		delete(store, strconv.Itoa(i-20_000))
		rounds.Add(1)
	}
}

func main() {
	for i := 0; i < 1_000; i++ {
		quiet[strconv.Itoa(i)] = i % 2
		still[i] = &value{a: i}
	}
	truth.Map("main.quiet", quiet)
	truth.Map("main.still", still)
	go numbers()
	go elements()
	go pointers()
	for rounds.Load() < 10_000 {
		runtime.Gosched()
	}
	truth.ReadyBusy("writer")
}
