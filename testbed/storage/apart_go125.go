//go:build go1.25

package main

// Cleanups have goroutines of their own.
const cleanupsApart = true
