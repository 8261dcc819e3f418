// Command part is a plugin with variables, types and goroutines of its own.
package main

import (
	"strconv"
	"sync"

	"testbed/truth"
)

// name is the path of this package: that of a plugin's main package is its import path.
const name = "testbed/plugin/part."

// Item is a type of the plugin's.
type Item struct {
	ID   int
	Name string
	Tags map[string]int
}

type table struct {
	byID  map[int]*Item
	inner []map[string]int
}

// Items and the others are the plugin's variables.
var (
	Items   = map[string]*Item{}
	drained = map[int][4]int{}
	tables  = table{byID: map[int]*Item{}}
	handler func() int
	hold    = make(chan int)
	sink    any
)

//go:noinline
func keep(v any) {
	sink = v
	sink = nil
}

//go:noinline
func use(...any) {}

// Fill makes n items, and three goroutines.
func Fill(n int) {
	for i := 0; i < n; i++ {
		k := "item-" + strconv.Itoa(i)
		item := &Item{ID: i, Name: k}
		if i < 50 {
			item.Tags = map[string]int{"a": i}
			truth.Map(name+"Items[].Tags", item.Tags)
		}
		Items[k] = item
		tables.byID[i] = item
		drained[i] = [4]int{i}
	}
	for i := 10; i < n; i++ {
		delete(drained, i)
	}
	for i := 0; i < 20; i++ {
		tables.inner = append(tables.inner, map[string]int{"x": i})
		truth.Map(name+"tables.inner[]", tables.inner[i])
	}
	seen := map[string]int{"s": 1}
	handler = func() int { return len(seen) }
	truth.Map(name+"handler{seen}", seen)
	truth.Map(name+"Items", Items)
	truth.Map(name+"drained", drained)
	truth.Map(name+"tables.byID", tables.byID)
	truth.Count("main.Item", n)
	var started sync.WaitGroup
	started.Add(3)
	for i := 0; i < 3; i++ {
		go worker(&started)
	}
	started.Wait()
}

func worker(started *sync.WaitGroup) {
	own := map[string]int{"w": 1}
	keep(own)
	truth.Map(truth.Local(name+"worker", "own"), own)
	started.Done()
	<-hold
	use(own)
}

func main() {}
