// Command manymaps holds as many small maps as it is told to, or, with `plain`, objects of the same sizes that point to each
// other in the same way and are no maps.
//
//	manymaps 200000
//	manymaps 200000 plain
package main

import (
	"os"
	"runtime"
	"strconv"

	"testbed/truth"
)

// Room is an element of a large array, which has other pointers than those to maps.
type Room struct {
	Name string
	Tags map[string]int
}

// Plain is a Room without a map.
type Plain struct {
	Name string
	Tags *header
}

// A map of a few entries is a header and one group or bucket.
type header struct {
	used  int
	group *group
	rest  [4]int
}

type group struct {
	control uint64
	slots   [8]struct {
		key  string
		elem int
	}
}

var (
	rooms  []Room
	plains []Plain
)

func main() {
	n := 1000
	if len(os.Args) > 1 {
		var err error
		if n, err = strconv.Atoi(os.Args[1]); err != nil || n < 1 {
			println("usage: manymaps MAPS [plain]")
			os.Exit(2)
		}
	}
	if len(os.Args) > 2 {
		plains = make([]Plain, n)
		for i := range plains {
			filled := &group{}
			for entry := 0; entry <= i%3; entry++ {
				filled.slots[entry].key = "key " + strconv.Itoa(i)
			}
			plains[i] = Plain{"room " + strconv.Itoa(i), &header{used: i%3 + 1, group: filled}}
		}
	} else {
		rooms = make([]Room, n)
		for i := range rooms {
			// Not of a constant size that the compiler sees, so that no map is on the stack.
			tags := make(map[string]int, n-n)
			for entry := 0; entry <= i%3; entry++ {
				tags["key "+strconv.Itoa(3*i+entry)] = i
			}
			rooms[i] = Room{"room " + strconv.Itoa(i), tags}
		}
		truth.Map("main.rooms[].Tags", rooms[0].Tags)
		truth.Map("main.rooms[].Tags", rooms[n-1].Tags)
	}
	truth.Ready("manymaps")
	runtime.KeepAlive(rooms)
	runtime.KeepAlive(plains)
}
