//go:build go1.23

package main

// A stopped timer that is the last of its heap leaves it when another is added.
const lastZombiesGo = true
