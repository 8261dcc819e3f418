// Command big holds about as many objects as it is told to: a map from strings to pointers, and what it leads to.
//
//	big 8000000
package main

import (
	"os"
	"runtime"
	"strconv"

	"testbed/truth"
)

// Val is an element of the map, as large as a small record of a service: 8 million objects take about 600 MB.
type Val struct {
	A, B int64
	Next *Val
	Rest [5]int64
}

var data map[string]*Val

func main() {
	n := 1_000_000
	if len(os.Args) > 1 {
		var err error
		if n, err = strconv.Atoi(os.Args[1]); err != nil || n < 3 {
			println("usage: big OBJECTS")
			os.Exit(2)
		}
	}
	// Three objects an entry: the bytes of the key, and two values.
	entries := n / 3
	data = make(map[string]*Val)
	for i := 0; i < entries; i++ {
		data["key-"+strconv.Itoa(i)] = &Val{A: int64(i), Next: &Val{B: int64(i)}}
	}
	truth.Map("main.data", data)
	truth.Count("main.Val", 2*entries)
	truth.Ready("big")
	runtime.KeepAlive(data)
}
