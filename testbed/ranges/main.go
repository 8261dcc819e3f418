// Command ranges has goroutines that stand in loops over maps, and says of each loop how many entries it has seen.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sync"
)

// loop is what is true of one loop.
type loop struct {
	Function string `json:"function"`
	Entries  int    `json:"entries"`
	Seen     int    `json:"seen"`
	// Growing: the map has grown since the loop began, and the loop stands in its old tables.
	Grown bool `json:"grown"`
}

type price [4]int64

var (
	loops   []loop
	mutex   sync.Mutex
	inside  sync.WaitGroup
	resume  = make(chan struct{})
	left    sync.WaitGroup
	shared  = filled(5000)
	growing = filled(890)
)

func filled(n int) map[int]price {
	m := map[int]price{}
	for i := 0; i < n; i++ {
		m[i] = price{int64(i)}
	}
	return m
}

// stand is called in a loop that has seen so many of its map's entries, and in those around it.
func stand(function string, grown bool, of ...int) {
	mutex.Lock()
	for i := 0; i < len(of); i += 2 {
		loops = append(loops, loop{"main." + function, of[i+1], of[i], grown})
	}
	mutex.Unlock()
	inside.Done()
	<-resume
}

func half(m map[int]price) {
	seen := 0
	for range m {
		if seen++; seen == len(m)/2 {
			stand("half", false, seen, len(m))
		}
	}
}

func nested(outer, inner map[int]price) {
	n := 0
	for range outer {
		if n++; n != len(outer)/4 {
			continue
		}
		k := 0
		for range inner {
			if k++; k == len(inner)*3/4 {
				stand("nested", false, n, len(outer), k, len(inner))
			}
		}
	}
}

// grown has more entries in the end than when the loop began: where that is, in entries, nobody can tell.
func grown(m map[int]price) {
	seen := 0
	for range m {
		if seen++; seen > 1 {
			continue
		}
		for i := 0; i < 4000; i++ {
			m[i] = price{}
		}
		stand("grown", true, 1, len(m))
	}
}

// past has a map in an interface, and a loop that is over.
func past(m map[int]price) {
	var held any = m
	sum := int64(0)
	for _, p := range m {
		sum += p[0]
	}
	inside.Done()
	<-resume
	runtime.KeepAlive(held)
	_ = sum
}

func run(f func()) {
	inside.Add(1)
	left.Add(1)
	go func() { defer left.Done(); f() }()
}

func main() {
	run(func() { half(filled(100_000)) })
	run(func() { half(filled(8)) })
	run(func() { half(filled(2)) })
	for i := 0; i < 3; i++ {
		run(func() { half(shared) })
	}
	run(func() { nested(filled(2000), filled(600)) })
	run(func() { grown(growing) })
	run(func() { past(filled(3)) })
	run(func() { past(filled(3000)) })
	inside.Wait()
	runtime.GC()
	truth, err := json.Marshal(map[string]any{"loops": loops})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(truth))
	fmt.Println("READY")
	bufio.NewReader(os.Stdin).ReadString('\n')
	close(resume)
	left.Wait()
}
