//go:build !go1.23

package main

// Every timer that is set is in a heap.
const timersOnDemand = false
