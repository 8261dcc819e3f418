// Command embedded is Go code that a program in another language runs: built as a shared library (c-shared) and as an
// archive (c-archive). Its hosts are below host. As a program of its own it does the same without them.
package main

/*
#include <unistd.h>

static int wait_on(int fd) {
	char c;
	return (int)read(fd, &c, 1);
}
*/
import "C"

import (
	"os"
	"sync"
	"syscall"

	"testbed/truth"
)

type item struct {
	id int
	m  map[string]int
}

var (
	names   = map[string]int{}
	items   = map[int]*item{}
	drained = map[int]int{}
	handler func() int
	park    = make(chan struct{})
	arrived sync.WaitGroup
	sink    any
)

//go:noinline
func keep(v any) {
	sink = v
	sink = nil
}

//go:noinline
func use(...any) {}

// Begin fills the maps; each of parked threads will call Park.
//
//export Begin
func Begin(parked C.int) {
	for i := 0; i < 5_000; i++ {
		names[string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676))] = i % 10
	}
	for i := 0; i < 20_000; i++ {
		drained[i] = i + 1
	}
	for i := 0; i < 19_990; i++ {
		delete(drained, i)
	}
	for i := 0; i < 100; i++ {
		items[i] = &item{id: i, m: map[string]int{"a": i}}
		truth.Map("main.items[].m", items[i].m)
	}
	truth.Map("main.names", names)
	truth.Map("main.items", items)
	truth.Map("main.drained", drained)
	truth.Count("main.item", len(items))
	seen := map[string]int{"x": 1}
	handler = func() int { return len(seen) }
	truth.Map("main.handler{seen}", seen)
	arrived.Add(2 + int(parked))
	go waiting()
	go inGo()
}

// waiting is blocked inside C.
func waiting() {
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		os.Exit(3)
	}
	seen := map[string]int{"a": 1, "b": 2}
	keep(seen)
	truth.Map(truth.Local("main.waiting", "seen"), seen)
	arrived.Done()
	n := C.wait_on(C.int(fds[0]))
	use(n, seen, fds[1])
}

func inGo() {
	seen := map[string]int{"x": 1}
	keep(seen)
	truth.Map(truth.Local("main.inGo", "seen"), seen)
	arrived.Done()
	<-park
	use(seen)
}

// Park is called by a thread that C made, and stays.
//
//export Park
func Park() {
	inner := map[string]int{"a": 1, "b": 2, "c": 3}
	keep(inner)
	truth.Map(truth.Local("main.Park", "inner"), inner)
	arrived.Done()
	<-park
	use(inner)
}

// Pass is called by a thread that C made, and returns: the thread stays in C.
//
//export Pass
func Pass() C.int { return C.int(handler()) }

// Stay says what is there when all threads have arrived, and holds it until standard input ends.
//
//export Stay
func Stay(name *C.char) {
	arrived.Wait()
	truth.Ready(C.GoString(name))
}

// main is not called by a host.
func main() {
	Begin(1)
	go Park()
	Pass()
	Stay(C.CString("embedded"))
}
