//go:build go1.23

package main

// The timer of a channel is in a heap only while a goroutine waits for the channel.
const timersOnDemand = true
