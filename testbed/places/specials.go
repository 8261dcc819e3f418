package main

import (
	"runtime"
	"time"

	"testbed/truth"
)

// What the runtime itself holds has no name that everybody would agree on.

type finalized struct {
	id int
	m  map[string]int
}

var (
	last  *finalized
	timer *time.Timer
)

func specials() {
	finalizer()
	timers()
	cleanups()
}

// finalizer leaves one map to a finalizer's closure, and one to an object that has a finalizer and a name.
//
//go:noinline
func finalizer() {
	// Made here: the runtime ignores finalizers and cleanups of what the linker has allocated.
	last = &finalized{id: 1, m: make1()}
	m := make1()
	keep(m)
	truth.MapAny(m)
	runtime.SetFinalizer(last, func(f *finalized) { use(f.id, m) })
	truth.Map("main.last.m", last.m)
}

//go:noinline
func timers() {
	m := make1()
	keep(m)
	truth.MapAny(m)
	timer = time.AfterFunc(1_000*time.Hour, func() { use(m) })
}
