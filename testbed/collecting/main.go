// Command collecting collects garbage back to back: nearly whenever it is stopped, the collector marks, and has copies of
// its lists. Goroutines come and go meanwhile, so that an old copy is not what there is now. Its truth is what rests: so
// many goroutines wait for `main.never`.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

const (
	waiting = 50
	depth   = 18
)

type node struct{ left, right *node }

var (
	// A tree of half a million nodes, all of which every collection marks.
	root  = tree(depth)
	never = make(chan int)
)

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{tree(depth - 1), tree(depth - 1)}
}

func wait() { <-never }

func main() {
	debug.SetGCPercent(-1)
	for i := 0; i < waiting; i++ {
		go wait()
	}
	stacks := make([]byte, 1<<20)
	for strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "[chan receive]") < waiting {
		runtime.Gosched()
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	line, _ := json.Marshal(map[string]any{"program": "collecting", "waiting": waiting, "nodes": 2<<depth - 1})
	fmt.Printf("%s\nREADY\n", line)
	for {
		for i := 0; i < 8; i++ {
			go func() { runtime.Gosched() }()
		}
		runtime.GC()
	}
}
