// Command containers has maps and caches of a package that a table describes, in the places where programs have them.
package main

import (
	"runtime"

	"cases/containers/lib"
	"cases/say"
)

type call struct {
	id  uint64
	buf [100]byte
}

type server struct {
	name  string
	users lib.Sharded[uint64, *call]
}

var (
	calls  = lib.NewStriped[uint64, *call](512, func(k uint64) uint64 { return k * 0x9e3779b97f4a7c15 >> 32 })
	srv    = &server{name: "srv", users: lib.NewSharded[uint64, *call](16)}
	peers  = lib.NewSharded[uint64, int](4)
	recent = lib.NewCache[uint64, *call](300)
	bare   = lib.NewLRU[uint64, string](7)
	marked = lib.NewMarked[call](64)
	broken = lib.NewBroken()
	// Nobody has made this one.
	zero lib.Sharded[uint64, int]
)

func main() {
	for i := uint64(0); i < 3000; i++ {
		calls.Add(i, &call{id: i})
		srv.users.Put(int(i%15), i, &call{id: i})
		recent.Put(i, &call{id: i})
		bare.Put(i, "text")
		marked.Set(i, call{id: i})
		if i >= 100 {
			marked.Del(i - 100)
		}
		if i < 33 {
			peers.Put(int(i%3), i, int(i))
		}
	}
	for range 11 {
		calls.Dec()
	}
	// A copy, on the stack and in an interface.
	var local any = srv.users
	copied := srv.users
	runtime.GC()
	say.Container("main.calls", "lib.Striped[uint64,*main.call]", `"entries":2989,"slots":2560`)
	say.Container("main.srv.users", "lib.Sharded[uint64,*main.call]", `"entries":3000,"maps":15`)
	say.Container("main.peers", "lib.Sharded[uint64,int]", `"entries":33,"maps":3`)
	say.Container("main.recent", "lib.Cache[uint64,*main.call]", `"entries":300,"limit":300,"maps":1`)
	say.Container("main.bare", "lib.LRU[uint64,string]", `"entries":7,"limit":7,"maps":1`)
	say.Container("main.marked", "lib.Marked[main.call]", `"entries":100,"slots":64,"tombstones":2900`)
	say.Maps(1, 300, "")
	say.Maps(1, 7, "")
	say.Maps(15, 200, "")
	say.Ready()
	runtime.KeepAlive([]any{local, copied, calls, srv, peers, recent, bare, marked, broken, zero})
}
