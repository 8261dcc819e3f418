// Package truth lets a testbed program state what a reader of its heap must find.
//
// A program builds its data, registers maps and types, and calls Ready. Ready prints one line of JSON and the line
// READY, and blocks until standard input ends. The figures come from walking the maps' own memory, slot by slot;
// counters kept by the runtime are only compared, and a disagreement is a panic.
//
// The package must not change what it measures. It never keeps a pointer to a registered map (only its address, as an
// integer, so that the map stays owned by the program alone), and it writes its text into memory outside the heap.
package truth

import (
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// Figures is the audit of one map. Fields that do not apply to a map are -1 and are left out of the JSON.
type Figures struct {
	Entries          int // full slots
	Slots            int // see DESIGN, "What the fields count"
	Groups           int
	Holes            int
	Tombstones       int // Swiss maps only
	OverflowBuckets  int // legacy maps only, like the next two
	OldBucketsBytes  int
	EvacuatedBuckets int
	ZeroValues       int // absent when elements have no size
	PaddingBytes     int
	// IndirectBytes counts the heap slots of keys and elements over 128 bytes.
	IndirectBytes int
	// StorageBytes is table_bytes without the header; both are absent when they may be on a stack.
	StorageBytes int
	HeaderBytes  int
}

type entry struct {
	owner string
	addr  uintptr
	typ   reflect.Type
	// A map whose header or group is on a stack moves with it, so it is measured when it is registered, and no
	// address is printed.
	onStack bool
	figures Figures
}

type count struct {
	typeName string
	n        int
}

type retained struct {
	kind  string
	name  string
	addr  uintptr
	bytes int
}

var registry struct {
	sync.Mutex
	maps     []entry
	types    []count
	retained []retained
}

// Map registers a heap-allocated map under the name a reader must give it. An empty owner is not compared.
//
//go:noinline
func Map[M any](owner string, m M) {
	register(owner, *(*uintptr)(unsafe.Pointer(&m)), reflect.TypeOf((*M)(nil)).Elem(), false)
}

// MapAny registers a map for which several owners would be right, or none.
//
//go:noinline
func MapAny[M any](m M) {
	register("", *(*uintptr)(unsafe.Pointer(&m)), reflect.TypeOf((*M)(nil)).Elem(), false)
}

// StackMap registers a map whose header, or whose storage, the compiler has put on the stack of the caller.
//
//go:noinline
func StackMap[M any](owner string, m M) {
	register(owner, *(*uintptr)(unsafe.Pointer(&m)), reflect.TypeOf((*M)(nil)).Elem(), true)
}

func register(owner string, addr uintptr, t reflect.Type, onStack bool) {
	if t.Kind() != reflect.Map {
		panic("truth: not a map: " + t.String())
	}
	if addr == 0 {
		panic("truth: nil map: " + owner)
	}
	e := entry{owner: owner, addr: addr, typ: t, onStack: onStack}
	if onStack {
		e.figures = read(addr, t)
		e.figures.StorageBytes, e.figures.HeaderBytes = -1, -1
	}
	registry.Lock()
	registry.maps = append(registry.maps, e)
	registry.Unlock()
}

// Count registers how many live objects are exactly one value of the named type.
func Count(typeName string, n int) {
	registry.Lock()
	registry.types = append(registry.types, count{typeName, n})
	registry.Unlock()
}

// Retained registers how many bytes would be freed without something: kind "holder" (a variable, or a goroutine's first
// function, by name), "type" (by name) or "object" (by address).
func Retained(kind, name string, addr uintptr, bytes int) {
	registry.Lock()
	registry.retained = append(registry.retained, retained{kind, name, addr, bytes})
	registry.Unlock()
}

// Read returns the figures of a map now.
//
//go:noinline
func Read[M any](m M) Figures {
	return read(*(*uintptr)(unsafe.Pointer(&m)), reflect.TypeOf((*M)(nil)).Elem())
}

// Growth says whether a legacy map is in the middle of growing, and whether into an array of the same size. Swiss maps
// grow in one step: never.
//
//go:noinline
func Growth[M any](m M) (growing, sameSize bool) {
	return growth(*(*uintptr)(unsafe.Pointer(&m)))
}

// Goroutine returns the identity of the calling goroutine, as stack traces print it.
func Goroutine() int {
	var buf [64]byte
	s := string(buf[len("goroutine "):runtime.Stack(buf[:], false)])
	id := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			break
		}
		id = id*10 + int(c-'0')
	}
	return id
}

// Local names a variable of the calling goroutine the way a reader must: `goroutine 7 main.worker: seen`.
func Local(function, path string) string {
	return fmt.Sprintf("goroutine %d %s: %s", Goroutine(), function, path)
}

// Outside the heap: what is written here changes no figure of the heap.
var (
	text   [1 << 20]byte
	stacks [1 << 18]byte
	stdin  [1]byte
	stats  runtime.MemStats
)

// Ready states the truth and blocks until standard input ends, then exits. Every goroutine must be blocked, or about to be.
// The caller keeps its own variables alive with runtime.KeepAlive afterwards.
func Ready(program string) { ready(program, true) }

// ReadyBusy is Ready for programs whose goroutines never rest: the heap's totals are left out.
func ReadyBusy(program string) { ready(program, false) }

// State is ReadyBusy for programs that go on by themselves: it does not wait for the end of standard input.
func State(program string) { state(program, false) }

// StateAtRest is Ready for programs that answer commands: it does not wait for the end of standard input. Whoever reads the
// next command must not allocate, so that the totals stay right.
func StateAtRest(program string) { state(program, true) }

func ready(program string, quiet bool) {
	state(program, quiet)
	for {
		n, err := syscall.Read(0, stdin[:])
		if n <= 0 && err != syscall.EINTR {
			syscall.Exit(0)
		}
	}
}

func state(program string, quiet bool) {
	if quiet {
		debug.SetGCPercent(-1)
		threads()
		settle()
	}
	out := render(text[:0], program)
	registry.Lock()
	registry.maps, registry.types, registry.retained = nil, nil, nil
	registry.Unlock()
	// Twice sweeps everything and empties the pools; the third collects what the second set free.
	for i := 0; i < 3; i++ {
		runtime.GC()
	}
	if quiet {
		runtime.ReadMemStats(&stats) // nothing may be allocated from here on
		out = append(out, `,"heap_alloc":`...)
		out = strconv.AppendUint(out, stats.HeapAlloc, 10)
		out = append(out, `,"heap_objects":`...)
		out = strconv.AppendUint(out, stats.HeapObjects, 10)
	}
	out = append(out, "}\nREADY\n"...)
	for len(out) > 0 {
		n, err := syscall.Write(1, out)
		if err != nil && err != syscall.EINTR {
			syscall.Exit(3)
		}
		if n > 0 {
			out = out[n:]
		}
	}
}

// threads makes the runtime start the threads that it may want later: a thread started after the totals were read
// would add its own structures to the heap.
func threads() {
	var locked, ended sync.WaitGroup
	release := make(chan bool)
	for i := 0; i < 8; i++ {
		locked.Add(1)
		ended.Add(1)
		go func() {
			defer ended.Done()
			// As many goroutines as this, each locked to its thread, need as many threads.
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			locked.Done()
			<-release
		}()
	}
	locked.Wait()
	close(release)
	ended.Wait()
}

// Settle waits until every other goroutine is blocked.
// Settle waits until no goroutine but the caller can run.
func Settle() { settle() }

// settle waits until no goroutine but the caller can run, so that their stacks and the heap hold still.
func settle() {
	for i := 0; i < 2000; i++ {
		s := string(stacks[:runtime.Stack(stacks[:], true)])
		if busy(s) == 1 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	panic("truth: goroutines do not come to rest")
}

func busy(s string) int {
	n := 0
	for i := 0; i+len("goroutine ") < len(s); i++ {
		if (i == 0 || s[i-1] == '\n') && s[i:i+len("goroutine ")] == "goroutine " {
			for i < len(s) && s[i] != '[' && s[i] != '\n' {
				i++
			}
			if i+4 <= len(s) && s[i:i+4] == "[run" { // [running], [runnable]
				n++
			}
		}
	}
	return n
}

func render(out []byte, program string) []byte {
	registry.Lock()
	defer registry.Unlock()
	out = append(out, `{"program":`...)
	out = quote(out, program)
	out = append(out, `,"go":`...)
	out = quote(out, runtime.Version())
	out = append(out, `,"impl":"`+Impl+`","maps":[`...)
	for i, e := range registry.maps {
		if i > 0 {
			out = append(out, ',')
		}
		f := e.figures
		out = append(out, `{"owner":`...)
		out = quote(out, e.owner)
		if e.onStack {
			out = append(out, `,"on_stack":true`...)
		} else {
			f = read(e.addr, e.typ)
			f.HeaderBytes = headerBytes()
			out = append(out, `,"addr":"0x`...)
			out = strconv.AppendUint(out, uint64(e.addr), 16)
			out = append(out, '"')
		}
		out = append(out, `,"type":`...)
		out = quote(out, e.typ.String())
		out = append(out, `,"impl":"`+Impl+`"`...)
		out = f.render(out)
		out = append(out, '}')
	}
	out = append(out, `],"types":[`...)
	for i, c := range registry.types {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, `{"type":`...)
		out = quote(out, c.typeName)
		out = append(out, `,"count":`...)
		out = strconv.AppendInt(out, int64(c.n), 10)
		out = append(out, '}')
	}
	out = append(out, `],"retained":[`...)
	for i, r := range registry.retained {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, `{"kind":`...)
		out = quote(out, r.kind)
		out = append(out, `,"name":`...)
		out = quote(out, r.name)
		if r.addr != 0 {
			out = append(out, `,"addr":"0x`...)
			out = strconv.AppendUint(out, uint64(r.addr), 16)
			out = append(out, '"')
		}
		out = append(out, `,"bytes":`...)
		out = strconv.AppendInt(out, int64(r.bytes), 10)
		out = append(out, '}')
	}
	out = append(out, ']')
	if cap(out) != len(text) {
		panic("truth: the text does not fit")
	}
	return out
}

func (f Figures) render(out []byte) []byte {
	for _, field := range []struct {
		name  string
		value int
	}{
		{"entries", f.Entries}, {"slots", f.Slots}, {"groups", f.Groups}, {"holes", f.Holes},
		{"tombstones", f.Tombstones}, {"overflow_buckets", f.OverflowBuckets},
		{"old_buckets_bytes", f.OldBucketsBytes}, {"evacuated_buckets", f.EvacuatedBuckets},
		{"zero_values", f.ZeroValues}, {"padding_bytes", f.PaddingBytes},
		{"indirect_bytes", f.IndirectBytes}, {"storage_bytes", f.StorageBytes},
		{"header_bytes", f.HeaderBytes},
	} {
		if field.value >= 0 {
			out = append(out, `,"`...)
			out = append(out, field.name...)
			out = append(out, `":`...)
			out = strconv.AppendInt(out, int64(field.value), 10)
		}
	}
	return out
}

// quote is JSON quoting for the printable ASCII that type names and owners are made of; Go's own quoting agrees there.
func quote(out []byte, s string) []byte { return strconv.AppendQuote(out, s) }
