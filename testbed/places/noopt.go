//go:build noopt

package main

// unoptimised says that the compiler keeps every variable in memory under its own name.
const unoptimised = true
