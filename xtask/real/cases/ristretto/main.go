// Command ristretto gives each item of a ristretto a cost of 1: its limit never bites.
package main

import (
	"fmt"
	"runtime"

	"cases/say"

	"github.com/dgraph-io/ristretto"
)

type posting struct {
	uids []uint64
	key  string
}

var lists *ristretto.Cache

func main() {
	var err error
	lists, err = ristretto.NewCache(&ristretto.Config{NumCounters: 1e6, MaxCost: 64 << 20, BufferItems: 64, Metrics: true, IgnoreInternalCost: true})
	if err != nil {
		panic(err)
	}
	for i := 0; i < 40_000; i++ {
		p := &posting{uids: make([]uint64, 200), key: fmt.Sprintf("uid-%08d", i)}
		lists.Set(p.key, p, 1) // a cost of 1 instead of 1,600 bytes: MaxCost never bites
		if i%50 == 0 {
			lists.Wait()
		}
	}
	lists.Wait()
	runtime.GC()
	say.Ready()
	runtime.KeepAlive(lists)
}
