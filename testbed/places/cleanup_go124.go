//go:build go1.24

package main

import (
	"runtime"

	"testbed/truth"
)

// cleanups leaves a map to the argument of a cleanup.
//
//go:noinline
func cleanups() {
	m := make1()
	keep(m)
	truth.MapAny(m)
	runtime.AddCleanup(last, func(m map[string]int) { use(m) }, m)
}
