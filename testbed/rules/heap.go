package main

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// What the rules on the rest of the heap must find is in these variables.
var (
	connections []*connection
	tokens      []token
	persons     []person
	records     []*[512]byte
	ballast     []byte
	seen        map[int][]byte
	north       map[int][]byte
	east        map[int][]byte
	south       map[int][]byte
	west        map[int][]byte
	buffers     sync.Pool
	sink        []byte
	timers      []*time.Timer
)

// A slot is the same for it and for the best order of its fields.
type roomy struct {
	first  bool
	many   [4]int64
	second bool
}

var (
	loosely []*loose
	rows    []loose
	tightly []*tight
	columns []tight
	roomily []*roomy
)

func pad() {
	rows = make([]loose, 20_000)
	for i := range rows {
		rows[i].one = int64(i) + 1
		loosely = append(loosely, &loose{two: int64(i) + 1})
	}
}

type connection struct{ buf []byte }

type token struct{ text string }

type person struct{ name string }

func slack(used int) func() {
	return func() {
		for i := 0; i < 2000; i++ {
			connections = append(connections, &connection{make([]byte, used, 8192)})
		}
	}
}

func cut(length int) func() {
	return func() {
		for i := 0; i < 2000; i++ {
			tokens = append(tokens, token{strings.Repeat("x", 4096)[:length]})
		}
	}
}

func texts(different int) func() {
	return func() {
		persons = make([]person, 50_000)
		for i := range persons {
			persons[i].name = strings.Clone(fmt.Sprintf("a-name-of-some-length-%018d", i%different))
		}
	}
}

// scattered allocates objects of 512 bytes and keeps `keep` of each `of`.
func scattered(keep, of int) func() {
	return func() {
		all := make([]*[512]byte, 60_000)
		for i := range all {
			all[i] = new([512]byte)
			all[i][0] = 1
		}
		for i, record := range all {
			if i%of < keep {
				records = append(records, record)
			}
		}
	}
}

// hidden are channels that the collector, and a reader of the heap, does not see here.
var hidden []uintptr

//go:noinline
func waitForAnswer(c chan int, buf []byte, started *sync.WaitGroup) {
	started.Done()
	<-c
	runtime.KeepAlive(buf)
}

var answers []chan int

// The runtime keeps the stacks of up to 64 goroutines that have ended for each processor: next to all, they are few.
const waiting = 4000

func wait(leak bool) func() {
	return func() {
		var started sync.WaitGroup
		for i := 0; i < waiting; i++ {
			c := make(chan int)
			if leak {
				hidden = append(hidden, ^uintptr(*(*unsafe.Pointer)(unsafe.Pointer(&c))))
			} else {
				answers = append(answers, c)
			}
			started.Add(1)
			go waitForAnswer(c, make([]byte, 4000+i%90), &started)
		}
		started.Wait()
		for running() > 0 {
			runtime.Gosched()
		}
	}
}

// running counts the goroutines that have not come to their channel yet.
func running() int {
	stacks := make([]byte, 4<<20)
	text := string(stacks[:runtime.Stack(stacks, true)])
	return waiting - strings.Count(text, "[chan receive]") - strings.Count(text, "[chan receive, ")
}

func wake() {
	for _, h := range hidden {
		address := ^h
		c := *(*chan int)(unsafe.Pointer(&address))
		close(c)
	}
	for runtime.NumGoroutine() > 10 {
		runtime.Gosched()
	}
}

type file struct{ block [4096]byte }

var (
	gate    = make(chan bool)
	entered = make(chan bool, 1)
	ended   = make(chan bool, 5000)
)

func finalize(*file) {
	select {
	case entered <- true:
	default:
	}
	<-gate
	ended <- true
}

func finalizeAtOnce(*file) { ended <- true }

//go:noinline
func open(n int, finalizer func(*file)) {
	for i := 0; i < n; i++ {
		runtime.SetFinalizer(new(file), finalizer)
	}
}

func garbage(mib, liveMib int) func() {
	return func() {
		ballast = make([]byte, liveMib<<20)
		for i := 0; i < mib; i++ {
			sink = make([]byte, 1<<20)
		}
		sink = nil
	}
}

func pool(size int) func() {
	return func() {
		for i := 0; i < 16; i++ {
			buffers.Put(bytes.NewBuffer(make([]byte, size)))
		}
	}
}

// An encoder is as large when it is made as it ever becomes.
type encoder struct {
	window [1 << 20]byte
	output []byte
}

func encoders(n int) func() {
	return func() {
		for i := 0; i < n; i++ {
			buffers.Put(&encoder{output: make([]byte, 64<<10)})
		}
	}
}

func hoard(m map[int][]byte, mib int) map[int][]byte {
	for i := 0; i < mib; i++ {
		m[i] = make([]byte, 1<<20)
	}
	return m
}

func expire() {}

// schedule sets n timers; those that are not kept are stopped at once.
func schedule(n, kept int) func() {
	return func() {
		// One processor, which then tidies up its timers itself.
		runtime.GOMAXPROCS(1)
		for i := 0; i < n; i++ {
			timer := time.AfterFunc(time.Hour, expire)
			if i < kept {
				timers = append(timers, timer)
			} else {
				timer.Stop()
			}
		}
	}
}

func stopAll() {
	for _, timer := range timers {
		timer.Stop()
	}
	clear(timers)
	// Stopped timers are taken out of their heap when another one is due.
	for i := 0; i < 3; i++ {
		time.Sleep(time.Millisecond)
	}
}

func init() {
	scenarios["gh001"] = scenario{"GH001", "main.connection.buf", slack(300), func() {
		for _, c := range connections {
			c.buf = append(make([]byte, 0, len(c.buf)), c.buf...)
		}
	}, live}
	near("gh001-near", "GH001", slack(5000))

	scenarios["gh002"] = scenario{"GH002", "main.token.text", cut(20), func() {
		for i := range tokens {
			tokens[i].text = strings.Clone(tokens[i].text)
		}
	}, live}
	near("gh002-near", "GH002", cut(3000))

	scenarios["gh003"] = scenario{"GH003", "main.person.name", texts(100), func() {
		known := map[string]string{}
		for i := range persons {
			name := persons[i].name
			if _, ok := known[name]; !ok {
				known[name] = name
			}
			persons[i].name = known[name]
		}
	}, live}
	near("gh003-near", "GH003", texts(50_000))

	scenarios["gh004"] = scenario{"GH004", "objects of 512 B", scattered(1, 17), func() {
		for i, record := range records {
			kept := *record
			records[i] = &kept
		}
	}, inUse}
	near("gh004-near", "GH004", scattered(2, 3))

	scenarios["gh005"] = scenario{"GH005", "main.waitForAnswer", wait(true), wake, stacks}
	near("gh005-near", "GH005", wait(false))

	scenarios["gh006"] = scenario{"GH006", "main.finalize", func() {
		open(2000, finalize)
		runtime.GC()
		<-entered
		entered <- true
	}, func() {
		close(gate)
		for i := 0; i < 1990; i++ {
			<-ended
		}
	}, live}
	near("gh006-near", "GH006", func() {
		open(2000, finalizeAtOnce)
		runtime.GC()
		for i := 0; i < 1990; i++ {
			<-ended
		}
	})

	scenarios["gh007"] = scenario{"GH007", "garbage", garbage(48, 1), func() {}, uncollected}
	s := scenario{rule: "GH007", build: garbage(48, 40), apply: func() {}, measure: uncollected}
	scenarios["gh007-near"] = s

	scenarios["gh008"] = scenario{"GH008", "main.loose", pad, func() {
		tightly = make([]*tight, len(loosely), cap(loosely))
		for i, l := range loosely {
			tightly[i] = &tight{two: l.two}
		}
		columns = make([]tight, len(rows))
		for i, l := range rows {
			columns[i].one = l.one
		}
		loosely, rows = nil, nil
	}, live}
	near("gh008-near", "GH008", func() {
		for i := 0; i < 20_000; i++ {
			roomily = append(roomily, &roomy{first: true})
		}
	})

	scenarios["gh009"] = scenario{"GH009", "main.seen", func() { seen = hoard(map[int][]byte{}, 24) }, func() { seen = nil }, live}
	near("gh009-near", "GH009", func() {
		for _, part := range []*map[int][]byte{&north, &east, &south, &west} {
			*part = hoard(map[int][]byte{}, 6)
		}
	})

	scenarios["gh010"] = scenario{"GH010", "main.expire", schedule(20_000, 20_000), stopAll, live}
	near("gh010-near", "GH010", schedule(20_000, 2_000))

	scenarios["gh011"] = scenario{"GH011", "main.buffers", pool(512 << 10), func() {}, uncollected}
	s = scenario{rule: "GH011", build: pool(32 << 10), apply: func() {}, measure: uncollected}
	scenarios["gh011-near"] = s
	s.build = encoders(16)
	scenarios["gh011-fixed-near"] = s
}
