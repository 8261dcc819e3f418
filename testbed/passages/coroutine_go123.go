//go:build go1.23

package main

import "iter"

func sequence(yield func(*Load) bool) {
	load := made()
	under(load, "goroutine main.sequence")
	for yield(nil) {
		use(load)
	}
}

// coroutine starts one that holds a load.
func coroutine() any {
	next, _ := iter.Pull(iter.Seq[*Load](sequence))
	ready.Add(1)
	// Elsewhere, so that no word of the stack of main keeps what it returns.
	go func() {
		next()
		ready.Done()
	}()
	ready.Wait()
	return next
}
