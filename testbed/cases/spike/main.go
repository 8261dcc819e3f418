// Command spike needed much memory for a moment.
package main

import (
	"runtime"
	"runtime/debug"

	"cases/say"
)

var keep [][]byte

func main() {
	debug.SetGCPercent(400)
	var burst [][]byte
	for i := 0; i < 300; i++ {
		b := make([]byte, 1<<20)
		for j := 0; j < len(b); j += 4096 {
			b[j] = 1
		}
		burst = append(burst, b)
	}
	for i := 0; i < 64; i++ {
		keep = append(keep, make([]byte, 1000))
	}
	runtime.KeepAlive(burst)
	burst = nil
	runtime.GC()
	say.Ready()
	runtime.KeepAlive(keep)
}
