// Command nankeys has a map with keys that are not a number, which nothing can find or delete.
package main

import (
	"math"
	"runtime"

	"cases/say"
)

// A scoreboard keyed by a computed ratio; 0/0 gives NaN, and what has a NaN key can be neither found nor deleted.
type board struct{ byRatio map[float64]*entry }
type entry struct {
	id   int
	note [6]int64
}

var scores = board{byRatio: map[float64]*entry{}}

//go:noinline
func ratio(a, b float64) float64 { return a / b }

func main() {
	n := 200_000
	for i := 0; i < n; i++ {
		k := ratio(float64(i), 7)
		if i%2 == 0 {
			k = ratio(0, float64(i-i))
		}
		scores.byRatio[k] = &entry{id: i}
		if i >= 100 { // window of 100
			old := ratio(float64(i-100), 7)
			if (i-100)%2 == 0 {
				old = ratio(0, 0*float64(i))
			}
			delete(scores.byRatio, old)
		}
	}
	nan := 0
	for k := range scores.byRatio {
		if math.IsNaN(k) {
			nan++
		}
	}
	runtime.GC()
	say.Maps(1, len(scores.byRatio), "main.scores.byRatio")
	say.Ready()
	runtime.KeepAlive(scores)
}
