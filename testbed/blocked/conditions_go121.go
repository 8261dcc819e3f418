//go:build !go1.26

package main

// Before Go 1.26 nothing leads from a goroutine to the sync.Cond that it waits for.
const conditionsAreKnown = false
