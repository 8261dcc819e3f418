// Command blocked has goroutines that wait in every way, and says of each group how many they are, whether anything can
// still wake them, and what they hold.
//
// What it says of their states is the runtime's own text: that of runtime.Stack.
package main

import (
	"context"
	"encoding/json"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// bufferBytes is held by each goroutine of some groups, by a variable of its own.
const bufferBytes = 64 << 10

// group is what is true of the goroutines that start with one function.
type group struct {
	Function string `json:"function"`
	Count    int    `json:"count"`
	// Leaked: nothing can wake them any more.
	Leaked bool `json:"leaked"`
	// Held is the least that each of them holds alone.
	Held int `json:"held"`
}

var (
	groups  []group
	started sync.WaitGroup
	// What main and everybody else can reach.
	park      = make(chan struct{})
	mutex     sync.Mutex
	spinning  atomic.Bool
	nilChan   chan int
	readEnd   *os.File
	writeEnd  *os.File
	keptAlive []any
)

// run starts n goroutines with function f, which calls started.Done when it is about to wait.
func run(name string, n int, leaked bool, held int, f func()) {
	groups = append(groups, group{"main." + name, n, leaked, held})
	for i := 0; i < n; i++ {
		started.Add(1)
		go f()
	}
	started.Wait()
}

func main() {
	debug.SetGCPercent(-1)
	local := make(chan int)
	channels()
	run("localReceive", 2, false, 0, func() { localReceive(local) })
	locks()
	others()
	chains()
	settle()
	before := monotonic()
	runtime.GC()
	after := monotonic()
	runtime.GC()
	findLeaks()
	settle()
	say(before, after)
	runtime.KeepAlive(local)
	mutex.Unlock()
}

func channels() {
	run("leakedReceive", 50, true, bufferBytes, leakedReceive)
	run("leakedSend", 7, true, 0, leakedSend)
	run("leakedSelect", 5, true, 0, leakedSelect)
	run("leakedDeferred", 3, true, 0, leakedDeferred)
	run("leakedContext", 4, true, 0, leakedContext)
	run("nilReceive", 1, true, 0, nilReceive)
	run("nilSend", 1, true, 0, nilSend)
	run("nilSelect", 1, true, 0, nilSelect)
	run("emptySelect", 2, true, 0, emptySelect)
	run("heldReceive", 50, false, bufferBytes, heldReceive)
	run("heldSelect", 5, false, 0, heldSelect)
	run("lockedReceive", 1, false, 0, lockedReceive)
	run("weakReceive", 1, false, 0, weakReceive)
	run("deep", 2, false, 0, func() { deep(300) })
}

// newBuffer keeps the compiler from putting the buffer on the stack.
//
//go:noinline
func newBuffer() []byte { return make([]byte, bufferBytes) }

func leakedReceive() {
	c, buffer := make(chan int), newBuffer()
	started.Done()
	<-c
	use(buffer)
}

func leakedSend() {
	c := make(chan *int)
	started.Done()
	c <- new(int)
}

func leakedSelect() {
	a, b := make(chan int), make(chan string, 1)
	started.Done()
	select {
	case <-a:
	case s := <-b:
		use(s)
	}
}

// leakedDeferred has a channel that a deferred call of its own would close.
func leakedDeferred() {
	c := make(chan int)
	for i := 0; i < 2; i++ {
		// In a loop, so that its record is on the heap.
		defer func() { close(c) }()
	}
	started.Done()
	<-c
}

// leakedContext waits for a context that nobody can cancel any more.
func leakedContext() {
	ctx, cancel := context.WithCancel(context.Background())
	use(cancel)
	done := ctx.Done()
	started.Done()
	<-done
}

func nilReceive() {
	started.Done()
	<-nilChan
}

func nilSend() {
	started.Done()
	nilChan <- 1
}

func nilSelect() {
	started.Done()
	select {
	case <-nilChan:
	case nilChan <- 1:
	}
}

func emptySelect() {
	started.Done()
	select {}
}

func heldReceive() {
	buffer := newBuffer()
	started.Done()
	<-park
	use(buffer)
}

func heldSelect() {
	own := make(chan int)
	started.Done()
	select {
	case <-own:
	case <-park:
	}
}

func lockedReceive() {
	runtime.LockOSThread()
	started.Done()
	<-park
}

//go:noinline
func localReceive(c chan int) {
	started.Done()
	<-c
}

//go:noinline
func deep(n int) int {
	if n > 0 {
		return deep(n-1) + 1
	}
	started.Done()
	<-park
	return 0
}

// guard has a pointer: without one it would share a block of tiny objects with others, which may well be reachable.
type guard struct {
	mutex  sync.Mutex
	shared sync.RWMutex
	wait   sync.WaitGroup
	self   *guard
}

func locks() {
	orphan := new(guard)
	run("leakedOwner", 1, true, 0, func() { leakedOwner(orphan) })
	run("leakedLock", 6, true, 0, func() { leakedLock(orphan) })
	shared := new(guard)
	shared.shared.Lock()
	run("leakedRead", 2, true, 0, func() { leakedRead(shared) })
	run("leakedWait", 3, true, 0, leakedWait)
	run("leakedCondition", 2, conditionsAreKnown, 0, leakedCondition)
	mutex.Lock()
	run("heldLock", 3, false, 0, heldLock)
}

// leakedOwner is the only one that could unlock the mutex.
func leakedOwner(g *guard) {
	g.mutex.Lock()
	c := make(chan int)
	started.Done()
	<-c
	g.mutex.Unlock()
}

//go:noinline
func leakedLock(g *guard) {
	started.Done()
	g.mutex.Lock()
	use(g)
}

//go:noinline
func leakedRead(g *guard) {
	started.Done()
	g.shared.RLock()
	use(g)
}

func leakedWait() {
	g := new(guard)
	g.wait.Add(1)
	started.Done()
	g.wait.Wait()
	use(g)
}

func leakedCondition() {
	condition := sync.NewCond(new(sync.Mutex))
	condition.L.Lock()
	use(condition)
	started.Done()
	condition.Wait()
}

func heldLock() {
	started.Done()
	mutex.Lock()
}

func others() {
	run("sleeping", 2, false, 0, sleeping)
	run("timed", 2, false, 0, timed)
	run("deadline", 2, false, 0, deadline)
	var err error
	if readEnd, writeEnd, err = os.Pipe(); err != nil {
		os.Exit(3)
	}
	run("reading", 1, false, 0, reading)
	run("calling", 1, false, 0, calling)
	run("running", 1, false, 0, running)
}

func sleeping() {
	started.Done()
	time.Sleep(time.Hour)
}

// timed waits for a channel that only a timer of the runtime has.
func timed() {
	c := time.After(time.Hour)
	started.Done()
	<-c
}

func deadline() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	started.Done()
	<-ctx.Done()
}

func reading() {
	started.Done()
	var b [1]byte
	n, _ := readEnd.Read(b[:])
	use(n)
}

// calling is inside a system call.
func calling() {
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		os.Exit(3)
	}
	started.Done()
	var b [1]byte
	n, _ := syscall.Read(fds[0], b[:])
	use(n)
}

func running() {
	started.Done()
	for !spinning.Load() {
	}
}

func chains() {
	// Whoever sleeps will write to the channel of the next, and so on.
	run("heldHead", 1, false, 0, func() {
		first, last := make(chan int), make(chan int)
		started.Add(2)
		go link(first, last)
		go link(last, nil)
		heldHead(first)
	})
	groups = append(groups, group{"main.link", 2, false, 0})
	// Two that wait for each other.
	a, b := make(chan int), make(chan int)
	run("ring", 1, true, 0, func() { ring(a, b) })
	run("ring2", 1, true, 0, func() { ring2(b, a) })
}

//go:noinline
func heldHead(c chan int) {
	started.Done()
	time.Sleep(time.Hour)
	c <- 1
}

//go:noinline
func link(from, to chan int) {
	started.Done()
	to <- <-from
}

//go:noinline
func ring(from, to chan int) {
	started.Done()
	<-from
	to <- 1
}

//go:noinline
func ring2(from, to chan int) {
	started.Done()
	<-from
	to <- 1
}

//go:noinline
func use(v any) { runtime.KeepAlive(v) }

// monotonic is the clock that the runtime itself uses, in nanoseconds.
func monotonic() int64 {
	var now syscall.Timespec
	const clockMonotonic = 1
	if _, _, e := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&now)), 0); e != 0 {
		os.Exit(3)
	}
	return now.Nano()
}

var stacks [4 << 20]byte

// settle waits until only main and the goroutine that spins can run.
func settle() {
	for i := 0; i < 5000; i++ {
		text := string(stacks[:runtime.Stack(stacks[:], true)])
		busy := 0
		for _, one := range strings.Split(text, "\n\n") {
			header := one[:strings.IndexByte(one, '\n')]
			if strings.Contains(header, "[run") {
				busy++
			}
		}
		if busy == 2 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	panic("goroutines do not come to rest")
}

// say states the truth and waits for the end of standard input.
func say(before, after int64) {
	line, err := json.Marshal(map[string]any{
		"program":    "blocked",
		"go":         runtime.Version(),
		"goroutines": runtime.NumGoroutine(),
		"groups":     groups,
		"first_gc":   []int64{before, after},
		"stacks":     string(stacks[:runtime.Stack(stacks[:], true)]),
	})
	if err != nil {
		panic(err)
	}
	line = append(line, "\nREADY\n"...)
	for len(line) > 0 {
		n, err := syscall.Write(1, line)
		if err != nil && err != syscall.EINTR {
			os.Exit(3)
		}
		if n > 0 {
			line = line[n:]
		}
	}
	var b [1]byte
	for {
		n, err := syscall.Read(0, b[:])
		if n <= 0 && err != syscall.EINTR {
			os.Exit(0)
		}
	}
}
