package main

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
)

// What the rules on sync.Map and on loops over maps must find is in these variables.
var (
	visits  struct{ byName sync.Map }
	counted map[string]int64
	shards  []*shard
	homes   []map[any]*house
	prices  []map[int64][15]int64

	iterators []*reflect.MapIter
)

// visit stores n entries, and makes a sync.Map of two maps, as it was up to Go 1.23, keep all of them in both.
func visit(n int) func() {
	return func() {
		for i := 0; i < n-1; i++ {
			visits.byName.Store(fmt.Sprintf("visitor-%08d", i), int64(i)+1000)
		}
		visits.byName.Range(func(any, any) bool { return false })
		visits.byName.Store("visitor-the-last", int64(1000))
	}
}

func plain() {
	n := 0
	visits.byName.Range(func(any, any) bool { n++; return true })
	counted = make(map[string]int64, n)
	visits.byName.Range(func(key, value any) bool {
		counted[key.(string)] = value.(int64)
		return true
	})
	visits.byName = sync.Map{}
}

// A shard has keys of two types, so that a plain map has to have interfaces as keys.
type shard struct {
	id     int
	houses sync.Map
}

type house struct{ rooms [4]int64 }

// settle fills n shards, and deletes some entries when they are in the map that is read, as it was up to Go 1.23.
func settle(n int) func() {
	return func() {
		for i := 0; i < n; i++ {
			s := &shard{id: i}
			for k := 0; k < 3000; k++ {
				s.houses.Store(k+1000, new(house))
				s.houses.Store(fmt.Sprintf("house-%010d", k), new(house))
			}
			s.houses.Range(func(any, any) bool { return false })
			for k := 0; k < 500; k++ {
				s.houses.Delete(k + 1000)
			}
			s.houses.Store("the last house", new(house))
			shards = append(shards, s)
		}
	}
}

func move() {
	for _, s := range shards {
		home := make(map[any]*house, 5501)
		s.houses.Range(func(key, value any) bool {
			home[key] = value.(*house)
			return true
		})
		homes = append(homes, home)
		s.houses = sync.Map{}
	}
}

var inside, resume, walked = make(chan string), make(chan bool), make(chan bool)

func price(m map[int64][15]int64, from, to int64) {
	for i := from; i < to; i++ {
		m[i] = [15]int64{i}
	}
}

// walk stops in its loops over all maps, one inside the other, after each map has grown to so many entries.
//
//go:noinline
func walk(maps []map[int64][15]int64, grown int64) {
	if len(maps) == 0 {
		stack := make([]byte, 64)
		name := string(stack[:runtime.Stack(stack, false)])
		inside <- name[:strings.Index(name, " [")] + " main.walk"
		<-resume
		return
	}
	first := true
	for range maps[0] {
		if first {
			first = false
			price(maps[0], 890, grown)
			walk(maps[1:], grown)
		}
	}
}

func loop(grown int64) func() {
	return func() {
		// As many entries as fit a single table.
		for i := 0; i < 20; i++ {
			prices = append(prices, map[int64][15]int64{})
			price(prices[i], 0, 890)
		}
		go func() {
			walk(prices, grown)
			close(walked)
		}()
		built = <-inside
	}
}

// iterate keeps iterators, which are objects.
func iterate() {
	for i := 0; i < 20; i++ {
		prices = append(prices, map[int64][15]int64{})
		price(prices[i], 0, 890)
		iterators = append(iterators, reflect.ValueOf(prices[i]).MapRange())
		iterators[i].Next()
		price(prices[i], 890, 2000)
	}
}

func init() {
	scenarios["gm013"] = scenario{"GM013", "main.visits.byName", visit(50_000), plain, live}
	near("gm013-near", "GM013", visit(999))
	scenarios["gm013-shards"] = scenario{"GM013", "main.shards[].houses", settle(16), move, live}

	scenarios["gm014"] = scenario{"GM014", "(a goroutine)", loop(2000), func() {
		close(resume)
		<-walked
	}, live}
	scenarios["gm014-reflect"] = scenario{"GM014", "main.iterators[]", iterate, func() { iterators = nil }, live}
	near("gm014-near", "GM014", loop(890))
}
