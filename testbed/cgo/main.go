// Command cgo runs with the C runtime: goroutines are inside C functions, and inside Go functions that C has called.
package main

/*
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void goCallback(int);

static int wait_on(int fd) {
	char c;
	return (int)read(fd, &c, 1);
}

static void call_back(int n) { goCallback(n); }

// The first half of the memory is written.
static void *take(size_t n) { return memset(malloc(n), 1, n / 2); }
*/
import "C"

import (
	"os"
	"sync"
	"syscall"
	"unsafe"

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
	buffer  unsafe.Pointer // C's memory
	park    = make(chan struct{})
	started sync.WaitGroup
	sink    any
)

//go:noinline
func keep(v any) {
	sink = v
	sink = nil
}

//go:noinline
func use(...any) {}

func run(f func()) {
	started.Add(1)
	go f()
	started.Wait()
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
	started.Done()
	n := C.wait_on(C.int(fds[0]))
	use(n, seen, fds[1])
}

// calling is two languages deep: Go, C, and Go again. Its own frame is below those of the callback.
func calling() {
	outer := map[string]int{"a": 1}
	keep(outer)
	truth.MapAny(outer)
	C.call_back(7)
	use(outer)
}

//export goCallback
func goCallback(n C.int) {
	inner := map[string]int{"a": 1, "b": 2, "c": 3}
	keep(inner)
	truth.Map(truth.Local("main.goCallback", "inner"), inner)
	started.Done()
	<-park
	use(inner, n)
}

func parked() {
	seen := map[string]int{"x": 1}
	keep(seen)
	truth.Map(truth.Local("main.parked", "seen"), seen)
	started.Done()
	<-park
	use(seen)
}

func main() {
	buffer = C.take(1 << 20)
	for i := 0; i < 5_000; i++ {
		names[string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676))] = i % 10
		drained[i] = i + 1
	}
	for i := 0; i < 4_990; i++ {
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
	run(waiting)
	run(calling)
	run(parked)
	truth.Ready("cgo")
}
