//go:build huge

// Command huge is as large as real programs get: it links all that CoreDNS links, and keeps about 30 million objects. It is
// built in the module of CoreDNS, whose packages it needs, with debug information that is not compressed (`cargo xtask real`).
package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"

	_ "github.com/coredns/coredns/core/plugin"
	_ "github.com/coredns/coredns/coremain"
)

type user struct {
	id   int
	name string
	next *user
	data *[3]int
}

var (
	users  = map[int]*user{}
	recent [1000]*user
)

func main() {
	count, _ := strconv.Atoi(os.Getenv("HUGE_USERS"))
	count = cmp.Or(count, 10_000_000)
	debug.SetGCPercent(400)
	// Three objects each, and the map.
	for i := 0; i < count; i++ {
		u := &user{id: i, name: strconv.Itoa(i), next: recent[i%len(recent)], data: &[3]int{i}}
		recent[i%len(recent)] = u
		if i%2 == 0 {
			users[i] = u
		}
	}
	runtime.GC()
	fmt.Printf("{\"maps\":[{\"owner\":\"main.users\",\"entries\":%d,\"count\":1}]}\nREADY\n", len(users))
	_, _ = os.Stdin.Read(make([]byte, 1))
}
