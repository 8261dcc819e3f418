// Command passages holds objects through structures of the runtime that lead everywhere: timers, the list of pools, queues
// of channels and locks, deferred calls. Its facts say who holds each object, whatever else leads to it.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
	"unsafe"
)

type (
	// Session is held by a timer alone.
	Session struct{ load *Load }
	Load    struct{ bytes [512]byte }
	// Decoder has a pool as its first field, so that the list of pools points to all of it.
	Decoder struct {
		pool sync.Pool
		load *Load
	}
	// Node is a ring that two variables hold.
	Node struct {
		next *Node
		load *Load
	}
	Client struct {
		mutex sync.Mutex
		cond  *sync.Cond
		load  *Load
	}
)

func (s *Session) expire() { s.load = nil }

var (
	stating sync.Mutex
	decoder *Decoder
	left    *Node
	right   *Node
	fact    []string
	ready   sync.WaitGroup
	forever = make(chan bool)
	locked  sync.Mutex
	reader  [1]byte
)

// under says that the object is held by what has this name in the dominator tree: a group of holders, or several.
func under(load *Load, holder string) {
	stating.Lock()
	defer stating.Unlock()
	fact = append(fact, fmt.Sprintf(`{"fact":"under","addr":"%#x","holder":%q}`, uintptr(unsafe.Pointer(load)), holder))
}

// local says that a part of a goroutine holds the object, where debug information names variables.
func local(load *Load, part string) {
	stating.Lock()
	defer stating.Unlock()
	fact = append(fact, fmt.Sprintf(`{"fact":"local","addr":"%#x","part":%q}`, uintptr(unsafe.Pointer(load)), part))
}

//go:noinline
func timers() {
	for i := 0; i < 100; i++ {
		s := &Session{made()}
		time.AfterFunc(time.Hour, s.expire)
		under(s.load, "via timer main.(*Session).expire")
	}
	bytes := 100 * (unsafe.Sizeof(Session{}) + unsafe.Sizeof(Load{}))
	of := `{"fact":"timer","function":"main.(*Session).expire","pending":100,"bytes":%d}`
	fact = append(fact, fmt.Sprintf(of, bytes))
}

// tick waits for a timer of its own: the others are not its.
func tick(every time.Duration) {
	ticker := time.NewTicker(every)
	ready.Done()
	for range ticker.C {
	}
}

// wait stands in the queues of several channels and of a timer.
func wait(also chan *Load) {
	ready.Done()
	select {
	case <-forever:
	case <-also:
	case <-time.After(2 * time.Hour):
	}
}

//go:noinline
func use(...any) {}

// made returns what it makes, so that it cannot be on a stack.
//
//go:noinline
func made() *Load { return new(Load) }

//go:noinline
func decode() *Decoder {
	d := &Decoder{load: made()}
	d.pool.New = func() any { return made() }
	return d
}

// keep holds a decoder in a variable.
func keep() {
	kept := decode()
	kept.pool.Put(made())
	under(kept.load, "goroutine main.keep")
	local(kept.load, "main.keep: kept")
	ready.Done()
	<-forever
	kept.pool.Put(made())
	use(kept)
}

// deferring has deferred calls that hold loads.
func deferring() {
	for i := 0; i < 10; i++ {
		load := made()
		under(load, "goroutine main.deferring")
		local(load, "deferred calls")
		defer func() { use(load) }()
	}
	ready.Done()
	<-forever
}

// conditions waits for a condition: its client is its own, also of others that wait like it.
func (c *Client) conditions() {
	under(c.load, "goroutine main.(*Client).conditions")
	c.mutex.Lock()
	ready.Done()
	c.cond.Wait()
	use(c)
}

//go:noinline
func locks(load *Load) {
	under(load, "goroutine main.locks")
	ready.Done()
	locked.Lock()
	use(load)
}

//go:noinline
func shared() {
	left = &Node{load: made()}
	right = &Node{left, made()}
	left.next = right
	under(left.load, "main.left and 1 other")
	under(right.load, "main.right and 1 other")
}

//go:noinline
func build() {
	timers()
	decoder = decode()
	under(decoder.load, "main.decoder")
	shared()
}

func main() {
	build()
	next := coroutine()
	locked.Lock()
	start := func(f func()) {
		ready.Add(1)
		go f()
		ready.Wait()
	}
	start(func() { tick(7 * time.Hour) })
	start(func() { tick(11 * time.Hour) })
	ready.Add(2)
	go keep()
	go deferring()
	ready.Wait()
	for i := 0; i < 3; i++ {
		c := &Client{load: made()}
		c.cond = sync.NewCond(&c.mutex)
		ready.Add(1)
		go c.conditions()
		ready.Wait()
		also := make(chan *Load, 1)
		start(func() { wait(also) })
	}
	for i := 0; i < 3; i++ {
		ready.Add(1)
		go locks(made())
		ready.Wait()
	}
	runtime.GC()
	runtime.GC()
	// A pool that is used again after a collection is in both lists.
	decoder.pool.Put(made())
	runtime.GC()
	decoder.pool.Put(made())
	fmt.Printf("{\"program\":\"passages\",\"go\":%q,\"facts\":[%s]}\nREADY\n", runtime.Version(), strings.Join(fact, ","))
	os.Stdin.Read(reader[:])
	use(next)
}
