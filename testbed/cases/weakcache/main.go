// Command weakcache has a map of weak pointers, of which few lead anywhere.
package main

import (
	"fmt"
	"runtime"
	"weak"

	"cases/say"
)

type image struct{ pix [1000]byte }
type loader struct {
	byName map[string]weak.Pointer[image]
}

var cache = &loader{byName: map[string]weak.Pointer[image]{}}
var hot []*image

func main() {
	for i := 0; i < 100_000; i++ {
		p := &image{}
		cache.byName[fmt.Sprintf("image-%08d.png", i)] = weak.Make(p)
		if i%500 == 0 {
			hot = append(hot, p)
		}
	}
	runtime.GC()
	runtime.GC()
	dead := 0
	for _, w := range cache.byName {
		if w.Value() == nil {
			dead++
		}
	}
	say.Maps(1, len(cache.byName), "main.cache.byName")
	say.Ready()
	runtime.KeepAlive(hot)
}
