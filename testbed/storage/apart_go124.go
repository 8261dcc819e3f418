//go:build go1.24 && !go1.25

package main

// The goroutine of the finalizers, which is blocked, would run the cleanups.
const cleanupsApart = false
