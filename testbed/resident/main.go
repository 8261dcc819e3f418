// Command resident knows where its resident memory went: it makes some of every part on purpose and prints the
// runtime's own figures.
package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"unsafe"
)

const (
	mib       = 1 << 20
	page      = 4096
	mapped    = 64 * mib // mapped without the runtime's knowledge
	touched   = 48 * mib // and written
	large     = 32 * mib // one object
	half      = large / 2
	released  = 256 * mib // freed and returned to the system
	idle      = 64 * mib // freed and not returned
	small     = 256      // size of the objects that leave holes
	smalls    = 200_000
	lost      = 100_000 // objects of 64 bytes that nothing holds
	lostBytes = 64
	routines  = 500
)

type object [small]byte

var (
	halfUsed []byte
	kept     []*object
	garbage  *[lostBytes]byte
	started  sync.WaitGroup
	park     = make(chan struct{})

	// Outside the heap, so that printing changes no figure of it.
	stats runtime.MemStats
	text  [1 << 14]byte
	stdin [1]byte
)

// deep makes the stack grow, and stays there.
//
//go:noinline
func deep(n int) byte {
	var frame [512]byte
	frame[n%len(frame)] = byte(n)
	if n == 0 {
		started.Done()
		<-park
		return frame[0]
	}
	return deep(n-1) + frame[n%len(frame)]
}

// spend allocates blocks of a mebibyte, writes them, and forgets them.
//
//go:noinline
func spend(bytes int) {
	blocks := make([][]byte, bytes/mib)
	for i := range blocks {
		blocks[i] = make([]byte, mib)
		for at := 0; at < mib; at += page {
			blocks[i][at] = 1
		}
	}
	runtime.KeepAlive(blocks)
}

//go:noinline
func litter() {
	for i := 0; i < lost; i++ {
		garbage = new([lostBytes]byte)
		garbage[0] = 1
	}
	garbage = nil
}

func main() {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)

	// First of all, while the heap has no memory that was used before: a new object there is not cleared, so its pages
	// stay untouched.
	halfUsed = make([]byte, large)
	for at := 0; at < half; at += page {
		halfUsed[at] = 1
	}

	outside, err := syscall.Mmap(-1, 0, mapped, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		os.Exit(3)
	}
	for at := 0; at < touched; at += page {
		outside[at] = 1
	}

	started.Add(routines)
	for i := 0; i < routines; i++ {
		go deep(20)
	}
	started.Wait()

	// What follows takes some of it again, but not all.
	runtime.KeepAlive(make([]byte, released))
	debug.FreeOSMemory()

	// Every second object of a size goes: half of their spans' slots are free.
	all := make([]*object, smalls)
	for i := range all {
		all[i] = new(object)
		all[i][0] = 1
	}
	kept = make([]*object, 0, smalls/2)
	for i := 0; i < smalls; i += 2 {
		kept = append(kept, all[i])
	}
	all = nil

	// The scavenger keeps what the heap had in use when the last collection began: one collection frees, and returns
	// nothing.
	spend(idle)
	runtime.GC()
	litter()

	ready(outside)
}

// ready prints the truth and waits for the end of standard input. It never gives its processor up, and there is no other:
// from the reading of the figures on, no goroutine of the runtime's own can change them.
func ready(outside []byte) {
	runtime.ReadMemStats(&stats)
	out := append(text[:0], `{"program":"resident","go":"`...)
	out = append(out, runtime.Version()...)
	out = append(out, '"')
	add := func(name string, value uint64) {
		out = append(out, `,"`...)
		out = append(out, name...)
		out = append(out, `":`...)
		out = strconv.AppendUint(out, value, 10)
	}
	add("heap_sys", stats.HeapSys)
	add("heap_inuse", stats.HeapInuse)
	add("heap_idle", stats.HeapIdle)
	add("heap_released", stats.HeapReleased)
	add("heap_alloc", stats.HeapAlloc)
	add("stack_inuse", stats.StackInuse)
	add("stack_sys", stats.StackSys)
	add("mspan_inuse", stats.MSpanInuse)
	add("mspan_sys", stats.MSpanSys)
	add("mcache_inuse", stats.MCacheInuse)
	add("mcache_sys", stats.MCacheSys)
	add("buckhash_sys", stats.BuckHashSys)
	add("gc_sys", stats.GCSys)
	add("other_sys", stats.OtherSys)
	add("sys", stats.Sys)
	add("mapped_addr", uint64(uintptr(unsafe.Pointer(&outside[0]))))
	add("mapped_bytes", mapped)
	add("touched_bytes", touched)
	add("large_bytes", large)
	add("large_touched_bytes", half)
	add("idle_bytes", idle)
	add("garbage_bytes", lost*lostBytes)
	add("small_slot_bytes", small)
	add("small_objects", uint64(len(kept)))
	add("small_free_bytes", (smalls-smalls/2)*small)
	add("goroutines", routines)
	out = append(out, "}\nREADY\n"...)
	for len(out) > 0 {
		n, _, err := syscall.RawSyscall(syscall.SYS_WRITE, 1, uintptr(unsafe.Pointer(&out[0])), uintptr(len(out)))
		if err != 0 && err != syscall.EINTR {
			syscall.Exit(3)
		}
		if err == 0 {
			out = out[n:]
		}
	}
	for {
		n, _, err := syscall.RawSyscall(syscall.SYS_READ, 0, uintptr(unsafe.Pointer(&stdin[0])), 1)
		if err != syscall.EINTR && (err != 0 || n == 0) {
			syscall.Exit(0)
		}
	}
}
