//go:build go1.24

package main

import "runtime"

type Cleaned struct{ p *int }

var (
	cleaned []*Cleaned
	began   = make(chan int)
)

func cleanUp(int) {
	began <- 1
	<-never
}

func cleanups() {
	for i := 0; i < 5; i++ {
		c := &Cleaned{}
		runtime.AddCleanup(c, func(int) {}, i)
		runtime.AddCleanup(c, func(int) {}, i)
		cleaned = append(cleaned, c)
	}
	say("finalizers", row{"type": "main.Cleaned", "finalizers": 0, "cleanups": 10})
	inPassing(func() {
		for i := 0; i < 12; i++ {
			runtime.AddCleanup(&Cleaned{}, cleanUp, i)
		}
	})
	runtime.GC()
	queued := 12
	if cleanupsApart {
		<-began
		queued--
		say("running", row{"cleanup": true, "function": "main.cleanUp", "inside": "main.cleanUp"})
	}
	said["queued_finalizers"], said["queued_cleanups"] = doomed-1, queued
}
