// Command cgohandle makes handles for C that nobody deletes, and memory of malloc that nobody frees.
package main

/*
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
static void *keep(size_t n) { void *p = malloc(n); memset(p, 7, n); return p; }
*/
import "C"

import (
	"runtime"
	"runtime/cgo"
	"unsafe"

	"cases/say"
)

type record struct {
	id   int
	cols [30]int64
}
type export struct {
	h    cgo.Handle
	cptr unsafe.Pointer
}

func exportRecord(i int) { // the C side was to call release; it never does
	h := cgo.NewHandle(&record{id: i})
	_ = export{h, C.keep(4096)}
}

func main() {
	n := 30_000
	for i := 0; i < n; i++ {
		exportRecord(i)
	}
	runtime.GC()
	say.Ready()
}
