//go:build !go1.24

package main

// weakReceive waits for a channel that everybody can reach: there are no weak pointers yet.
func weakReceive() {
	c := make(chan int)
	keptAlive = append(keptAlive, c)
	started.Done()
	<-c
}
