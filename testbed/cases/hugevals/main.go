// Command hugevals has drained maps with large keys and elements, sets, and many small maps in maps.
package main

import (
	"fmt"
	"runtime"

	"cases/say"
)

type point struct{ x, y int32 }
type big [200]byte
type node struct{ kids map[string]*node }

var (
	fat     = map[int]big{}        // elements over 128 bytes: objects of their own
	fatKeys = map[big]int{}        // keys over 128 bytes
	visited = map[point]struct{}{} // a set
	byIface = map[any]int{}        // keyed by interface
	errs    = map[error]int{}      // keyed by an interface with methods
	tree    = &node{kids: map[string]*node{}}
	flags   = map[int64]bool{}
)

type e struct{ code int }

func (x *e) Error() string { return fmt.Sprint(x.code) }

func main() {
	n := 60_000
	for i := 0; i < n; i++ {
		fat[i] = big{1}
		var k big
		k[0], k[1], k[2] = byte(i), byte(i>>8), byte(i>>16)
		fatKeys[k] = i
		visited[point{int32(i), 1}] = struct{}{}
		byIface[i] = i
		errs[&e{i}] = i
		flags[int64(i)] = true
	}
	for i := 600; i < n; i++ {
		delete(fat, i)
		var k big
		k[0], k[1], k[2] = byte(i), byte(i>>8), byte(i>>16)
		delete(fatKeys, k)
		delete(visited, point{int32(i), 1})
		delete(byIface, i)
	}
	for k, v := range errs {
		if v >= 600 {
			delete(errs, k)
		}
	}
	for i := 0; i < 300; i++ { // many small maps in maps
		t := &node{kids: map[string]*node{}}
		for j := 0; j < 100; j++ {
			t.kids[fmt.Sprint(j)] = &node{kids: map[string]*node{"leaf": nil}}
		}
		tree.kids[fmt.Sprint(i)] = t
	}
	runtime.GC()
	say.Maps(1, 600, "main.fat")
	say.Maps(1, 600, "main.fatKeys")
	say.Maps(1, 600, "main.visited")
	say.Maps(1, 600, "main.byIface")
	say.Maps(1, 600, "main.errs")
	say.Maps(1, n, "main.flags")
	say.Maps(1, 300, "main.tree.kids")
	say.Maps(300, 100, "main.tree.kids[].kids")
	say.Maps(30_000, 1, "main.tree.kids[].kids[].kids")
	say.Ready()
	runtime.KeepAlive([]any{fat, fatKeys, visited, byIface, errs, tree, flags})
}
