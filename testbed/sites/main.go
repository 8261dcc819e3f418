// Command sites allocates at known places of its code, keeps some of it, and prints its own heap profile: as records of
// runtime.MemProfile, and as runtime/pprof writes it.
//
// Without an argument every object is sampled; with the argument "default" as many as by default; with "off" none.
package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
)

// The rate must be set before anything is allocated that counts.
func init() {
	switch {
	case len(os.Args) < 2:
		runtime.MemProfileRate = 1
	case os.Args[1] == "off":
		runtime.MemProfileRate = 0
	}
}

type block [8 << 10]byte

type list struct {
	next *list
	data [120]byte
}

type maker interface{ make(n int) []*block }

type inner struct{ made int }

//go:noinline
func (i *inner) make(n int) []*block {
	var kept []*block
	for ; n > 0; n-- {
		i.made++
		kept = append(kept, new(block))
	}
	return kept
}

// outer has the method of inner, through a wrapper that the compiler makes and stack traces leave out.
type outer struct{ *inner }

type result struct {
	direct, inlined, closure, method, wrapped, goroutine []*block
	generic                                              []*[3000]int64
	text                                                 []*[2000]string
	deep                                                 *list
	table                                                map[int]*block
	tiny                                                 []*int16
}

// Kept until the end.
var (
	all  result
	sink any
)

//go:noinline
func direct(n int) []*block {
	kept := make([]*block, 0, n)
	for i := 0; i < n; i++ {
		kept = append(kept, new(block))
	}
	return kept
}

func helper() *block { return new(block) }

func between() *block { return helper() }

//go:noinline
func inlined(n int) []*block {
	kept := make([]*block, 0, n)
	for i := 0; i < n; i++ {
		kept = append(kept, between())
	}
	return kept
}

//go:noinline
func generic[T any](n int) []*T {
	kept := make([]*T, 0, n)
	for i := 0; i < n; i++ {
		kept = append(kept, new(T))
	}
	return kept
}

func closure(n int) []*block {
	var kept []*block
	add := func() { kept = append(kept, new(block)) }
	sink = add
	for i := 0; i < n; i++ {
		sink.(func())()
	}
	return kept
}

// deep is deeper than the stacks of any profile.
//
//go:noinline
func deep(n int) *list {
	if n == 0 {
		return nil
	}
	l := &list{data: [120]byte{byte(n)}}
	l.next = deep(n - 1)
	return l
}

//go:noinline
func table(n int) map[int]*block {
	m := map[int]*block{}
	for i := 0; i < n; i++ {
		m[i] = new(block)
	}
	return m
}

//go:noinline
func tiny(n int) []*int16 {
	var kept []*int16
	for i := 0; i < n; i++ {
		v := int16(i)
		kept = append(kept, &v)
	}
	return kept
}

//go:noinline
func freed(n int) {
	for i := 0; i < n; i++ {
		sink = new(block)
	}
	sink = nil
}

//go:noinline
func dropped(n int) {
	for i := 0; i < n; i++ {
		sink = new(block)
	}
	sink = nil
}

type record struct {
	Stack        []string `json:"stack"`
	AllocObjects int64    `json:"alloc_objects"`
	AllocBytes   int64    `json:"alloc_bytes"`
	FreeObjects  int64    `json:"free_objects"`
	FreeBytes    int64    `json:"free_bytes"`
}

// made says how many objects of a size a function made that are now live, and how many that nothing holds.
type made struct {
	Function string `json:"function"`
	Size     int    `json:"size"`
	Live     int    `json:"live"`
	Garbage  int    `json:"garbage"`
}

func records() []record {
	profile := make([]runtime.MemProfileRecord, 100_000)
	n, ok := runtime.MemProfile(profile, true)
	if !ok {
		panic("sites: more records than expected")
	}
	found := make([]record, 0, n)
	for i := range profile[:n] {
		p := &profile[i]
		r := record{[]string{}, p.AllocObjects, p.AllocBytes, p.FreeObjects, p.FreeBytes}
		frames := runtime.CallersFrames(p.Stack())
		for more := len(p.Stack()) > 0; more; {
			var f runtime.Frame
			f, more = frames.Next()
			r.Stack = append(r.Stack, frame(f))
		}
		found = append(found, r)
	}
	return found
}

func frame(f runtime.Frame) string {
	line, _ := json.Marshal(f.Line)
	return f.Function + " " + f.File + ":" + string(line)
}

func main() {
	debug.SetGCPercent(-1)
	all.direct = direct(512)
	all.inlined = inlined(300)
	all.generic = generic[[3000]int64](100)
	all.text = generic[[2000]string](50)
	all.closure = closure(200)
	all.method = (&inner{}).make(250)
	var m maker = outer{&inner{}}
	all.wrapped = m.make(150)
	all.deep = deep(300)
	all.table = table(700)
	all.tiny = tiny(1000)
	done := make(chan []*block)
	go func() { done <- direct(100) }()
	all.goroutine = <-done
	freed(400)
	for i := 0; i < 3; i++ {
		runtime.GC() // publishes what was allocated before the last but one
	}
	// What comes from here on is in no published profile.
	dropped(120)
	own := records()
	var profile bytes.Buffer
	if err := pprof.Lookup("heap").WriteTo(&profile, 0); err != nil {
		panic(err)
	}
	out, err := json.Marshal(map[string]any{
		"program": "sites",
		"rate":    runtime.MemProfileRate,
		"records": own,
		"profile": hex.EncodeToString(profile.Bytes()),
		"made": []made{
			{"main.direct", 8192, 612, 0}, {"main.helper", 8192, 300, 0}, {"main.closure.func1", 8192, 200, 0},
			{"main.(*inner).make", 8192, 400, 0}, {"main.table", 8192, 700, 0}, {"main.deep", 128, 300, 0},
			{"main.freed", 8192, 0, 0}, {"main.dropped", 8192, 0, 120},
		},
	})
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(append(out, "\nREADY\n"...))
	os.Stdin.Read(make([]byte, 1))
	runtime.KeepAlive(&all)
}
