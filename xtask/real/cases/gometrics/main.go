// Command gometrics makes meters that nobody stops, in registries that are dropped.
package main

import (
	"fmt"
	"runtime"

	"cases/say"

	"github.com/rcrowley/go-metrics"
)

// Brokers are opened and closed; each makes meters in a registry of its own, which is dropped without UnregisterAll.
func broker(i int) {
	r := metrics.NewRegistry()
	for j := 0; j < 4; j++ {
		metrics.GetOrRegisterMeter(fmt.Sprintf("incoming-%d", j), r).Mark(1)
	}
}

func main() {
	n := 20_000
	for i := 0; i < n; i++ {
		broker(i)
	}
	runtime.GC()
	say.Maps(1, 4*n, "github.com/rcrowley/go-metrics.arbiter.meters")
	say.Ready()
}
