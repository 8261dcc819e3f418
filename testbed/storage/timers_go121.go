//go:build !go1.23

package main

// A stopped timer that is the last of its heap stays there.
const lastZombiesGo = false
