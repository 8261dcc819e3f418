// Command growth changes its memory when it is told to, and states the truth each time.
//
// A line `grow` adds to the cache, twice as much to its index, and starts workers that each keep a batch; at the first, the
// map of tenants is made. A line `drain` deletes nearly all sessions and drops the map that warmed up the cache. Its
// settings stay as they are. Every other line is answered with the truth alone.
package main

import (
	"runtime"
	"syscall"

	"testbed/truth"
)

// Entry is what the cache has of one key.
type Entry struct {
	ID   int
	Next *Entry
	Data [48]byte
}

// Batch is what a worker works on.
type Batch struct {
	Worker int
	Items  [1000]byte
}

var (
	cache    = map[int]*Entry{}
	index    = map[int]int64{}
	sessions = map[int][2]int64{}
	settings = map[int]bool{}
	warmup   = map[int]int{}
	tenants  map[int]string

	workers int
	started = make(chan bool)
	stop    = make(chan bool)
)

const (
	cached       = 20_000
	batches      = 150
	sessionsHeld = 100_000
	sessionsKept = 1_000
)

func main() {
	grow()
	tenants = nil
	for i := 0; i < sessionsHeld; i++ {
		sessions[i] = [2]int64{int64(i), 1}
	}
	for i := 0; i < 3_000; i++ {
		settings[i] = true
		warmup[i] = i
	}
	state()
	for {
		line := line()
		if line == nil {
			break
		}
		switch string(line) {
		case "grow":
			grow()
		case "drain":
			drain()
		}
		state()
	}
	close(stop)
	runtime.KeepAlive(tenants)
}

// Outside the heap, for the truth about its totals has been told when it is read.
var text [64]byte

// line is the next one of standard input, without its end; nil when there is none.
func line() []byte {
	for n := 0; n < len(text); {
		got, err := syscall.Read(0, text[n:n+1])
		switch {
		case err == syscall.EINTR:
		case got <= 0:
			return nil
		case text[n] == '\n':
			return text[:n]
		default:
			n++
		}
	}
	return nil
}

func grow() {
	first := len(cache)
	for i := first; i < first+cached; i++ {
		cache[i] = &Entry{ID: i}
		index[2*i], index[2*i+1] = int64(i), -int64(i)
	}
	for i := 0; i < batches; i++ {
		go work()
		workers++
		<-started
	}
	if tenants == nil {
		tenants = map[int]string{}
	}
	for i := 0; i < 487; i++ {
		tenants[len(tenants)] = "tenant"
	}
}

func drain() {
	for i := sessionsKept; i < sessionsHeld; i++ {
		delete(sessions, i)
	}
	warmup = nil
}

// Not inlined, so that the batch is on the heap.
//
//go:noinline
func newBatch() *Batch { return &Batch{Worker: workers} }

// work keeps a batch until the program ends.
//
//go:noinline
func work() {
	batch := newBatch()
	started <- true
	<-stop
	runtime.KeepAlive(batch)
}

func state() {
	truth.Map("main.cache", cache)
	truth.Map("main.index", index)
	truth.Map("main.sessions", sessions)
	truth.Map("main.settings", settings)
	if warmup != nil {
		truth.Map("main.warmup", warmup)
	}
	if tenants != nil {
		truth.Map("main.tenants", tenants)
	}
	truth.Count("main.Entry", len(cache))
	// Each worker has its batch, in a slot of a kibibyte.
	truth.Retained("holder", "goroutine main.work", 0, workers*1024)
	truth.StateAtRest("growth")
}
