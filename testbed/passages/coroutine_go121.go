//go:build !go1.23

package main

// coroutine is nothing: there are none.
func coroutine() any { return nil }
