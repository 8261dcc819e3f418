//go:build go1.27

package main

import (
	"io"
	"runtime/pprof"
)

// findLeaks makes the runtime mark the goroutines that it finds leaked; its stack traces then say so.
func findLeaks() {
	if err := pprof.Lookup("goroutineleak").WriteTo(io.Discard, 0); err != nil {
		panic(err)
	}
}
