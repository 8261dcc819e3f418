//go:build go1.24

package main

import "weak"

type box struct {
	c chan int
	_ [100]byte
}

// weakReceive waits for a channel that others can reach through a weak pointer only.
func weakReceive() {
	b := &box{c: make(chan int)}
	keptAlive = append(keptAlive, weak.Make(b))
	started.Done()
	<-b.c
	use(b)
}
