//go:build !noopt

package main

const unoptimised = false
