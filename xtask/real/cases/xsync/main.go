// Command xsync fills maps of other libraries: xsync.MapOf, xsync.Map, haxmap; one is drained.
package main

import (
	"fmt"
	"runtime"

	"cases/say"

	"github.com/alphadose/haxmap"
	"github.com/puzpuzpuz/xsync/v3"
)

type muxClient struct {
	id  uint64
	buf [100]byte
}

var (
	calls  = xsync.NewMapOf[uint64, *muxClient]() // requests in flight: answered ones are never removed
	users  = xsync.NewMap()                       // string -> any
	seats  = haxmap.New[string, *muxClient]()
	normal = map[uint64]*muxClient{}
)

func main() {
	n := 100_000
	for i := 0; i < n; i++ {
		calls.Store(uint64(i), &muxClient{id: uint64(i)})
		users.Store(fmt.Sprintf("user-%08d", i), &muxClient{id: uint64(i)})
		if i < 30_000 {
			seats.Set(fmt.Sprintf("seat-%08d", i), &muxClient{id: uint64(i)})
		}
		if i < 1000 {
			normal[uint64(i)] = &muxClient{id: uint64(i)}
		}
	}
	// drained: all but 500 of users are gone; xsync shrinks only in steps
	for i := 500; i < n; i++ {
		users.Delete(fmt.Sprintf("user-%08d", i))
	}
	runtime.GC()
	say.Maps(1, len(normal), "main.normal")
	say.Ready()
	runtime.KeepAlive(calls)
}
