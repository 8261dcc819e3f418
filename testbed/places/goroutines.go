package main

import (
	"os"
	"sync"
	"syscall"

	"testbed/truth"
)

// park is never sent to. Every goroutine below blocks on it, or on something like it, and would use its variables
// afterwards, so that they are alive where it stands.
var (
	park    = make(chan struct{})
	started sync.WaitGroup
	mutex   sync.Mutex
)

func run(f func()) {
	started.Add(1)
	go f()
	started.Wait() // one after the other, so that the same program numbers its goroutines the same way
}

func goroutines() {
	run(escaping)
	run(onStack)
	run(grown)
	run(byValue)
	run(byPointer)
	run(list)
	run(grid)
	arg := make1()
	keep(arg)
	run(func() { argument(arg, 7) })
	run(moved)
	run(boxed)
	run(deferred)
	run(sender)
	run(selecting)
	run(locking)
	run(reading)
	run(recursive)
}

func escaping() {
	seen := make1()
	keep(seen)
	truth.Map(truth.Local("main.escaping", "seen"), seen)
	started.Done()
	<-park
	use(len(seen))
}

// onStack has a map whose header and only group (or bucket) are in its frame. Only an unoptimised build is sure to keep
// the variable that points to them.
func onStack() {
	seen := map[int]int{}
	for i := 0; i < 5; i++ {
		seen[i] = i
	}
	truth.StackMap(unoptimisedLocal("main.onStack", "seen"), seen)
	started.Done()
	<-park
	use(len(seen))
}

// grown has a map whose header is in its frame and whose tables are on the heap.
func grown() {
	seen := map[int]int{}
	for i := 0; i < 1_000; i++ {
		seen[i] = i
	}
	truth.StackMap(unoptimisedLocal("main.grown", "seen"), seen)
	started.Done()
	<-park
	use(len(seen))
}

// unoptimisedLocal names a variable that an optimising compiler may dissolve.
func unoptimisedLocal(function, path string) string {
	if !unoptimised {
		return ""
	}
	return truth.Local(function, path)
}

func byValue() {
	h := holder{id: 3, m: make1()}
	keep(h.m)
	truth.Map(truth.Local("main.byValue", "h.m"), h.m)
	started.Done()
	<-park
	use(h.id, len(h.m))
}

func byPointer() {
	h := &holder{id: 4, m: make1()}
	keep(h)
	truth.Map(truth.Local("main.byPointer", "h.m"), h.m)
	started.Done()
	<-park
	use(h)
}

func list() {
	maps := []map[string]int{make1(), make1()}
	keep(maps)
	for _, m := range maps {
		truth.Map(truth.Local("main.list", "maps[]"), m)
	}
	started.Done()
	<-park
	use(maps)
}

// grid keeps an array in its frame.
func grid() {
	var maps [3]map[string]int
	for i := range maps {
		maps[i] = make1()
		truth.Map(truth.Local("main.grid", "maps[]"), maps[i])
	}
	started.Done()
	<-park
	for i := range maps {
		use(len(maps[i]))
	}
}

//go:noinline
func argument(m map[string]int, n int) {
	truth.Map(truth.Local("main.argument", "m"), m)
	started.Done()
	<-park
	use(m, n)
}

// moved has a variable that a closure changes, and that therefore is on the heap.
func moved() {
	seen := make1()
	change := func() { seen = count(seen, "a") }
	keep(change)
	change()
	truth.Map(truth.Local("main.moved", "seen"), seen)
	started.Done()
	<-park
	use(seen)
}

func boxed() {
	var v any = make1()
	keep(v)
	truth.Map(unoptimisedLocal("main.boxed", "v"), v.(map[string]int))
	started.Done()
	<-park
	use(v)
}

// deferred holds its map only for a call to come.
func deferred() {
	seen := make1()
	keep(seen)
	truth.MapAny(seen)
	defer func() { use(len(seen)) }()
	started.Done()
	<-park
}

func sender() {
	m := make1()
	keep(m)
	truth.Map(truth.Local("main.sender", "m"), m)
	started.Done()
	unbuffered <- m
	use(m)
}

func selecting() {
	m := make1()
	keep(m)
	truth.Map(truth.Local("main.selecting", "m"), m)
	started.Done()
	select {
	case <-park:
	case unbuffered <- nil:
	}
	use(m)
}

func locking() {
	mutex.Lock()
	m := make1()
	keep(m)
	truth.Map(truth.Local("main.locking", "m"), m)
	started.Done()
	mutex.Lock()
	use(m)
}

// reading is inside a system call.
func reading() {
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		os.Exit(3)
	}
	m := make1()
	keep(m)
	truth.Map(truth.Local("main.reading", "m"), m)
	started.Done()
	var buf [1]byte
	n, _ := syscall.Read(fds[0], buf[:])
	use(m, n, fds[1])
}

func recursive() { descend(3) }

// descend has one map in each of its frames.
func descend(n int) {
	seen := make1()
	keep(seen)
	truth.Map(truth.Local("main.descend", "seen"), seen)
	if n > 0 {
		descend(n - 1)
	} else {
		started.Done()
		<-park
	}
	use(seen)
}
