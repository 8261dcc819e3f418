package main

import (
	"testbed/truth"
)

// growing leaves legacy maps in the middle of growing, which they do a little at each write. On Swiss maps the same
// loops end after a fixed number of writes.
func growing() {
	double()
	same()
	// Just under the load that would make 4,096 buckets grow: about one in six of them overflows.
	for i := 0; i < 24_500; i++ {
		overflowing[i] = i + 1
	}
	items(overflowPtr, 0, 24_500)
	if truth.Impl != "legacy" {
		return
	}
	check := func(name string, growing, same, wantSame bool) {
		if !growing || same != wantSame {
			panic("maps: " + name + " is not growing as it should")
		}
	}
	g, s := truth.Growth(doubling)
	check("doubling", g, s, false)
	g, s = truth.Growth(doublingPtr)
	check("doublingPtr", g, s, false)
	g, s = truth.Growth(sameSize)
	check("sameSize", g, s, true)
	g, s = truth.Growth(sameSizePtr)
	check("sameSizePtr", g, s, true)
}

// double stops some way into the growth from 2,048 to 4,096 buckets: each insert evacuates one bucket or two. It starts
// at 13,313 entries, and at 12,289 in Go 1.21, whose load factor is 6 and not 6.5.
func double() {
	started := func(n int, growing, sameSize bool) bool {
		return n > 12_000 && growing && !sameSize || n == 13_313
	}
	n, more := 0, 300
	for ; more > 0; n++ {
		doubling[n] = n + 1
		if g, s := truth.Growth(doubling); started(n, g, s) || more < 300 {
			more--
		}
	}
	n, more = 0, 500
	for ; more > 0; n++ {
		items(doublingPtr, n, n+1)
		if g, s := truth.Growth(doublingPtr); started(n, g, s) || more < 500 {
			more--
		}
	}
}

// same moves a window of keys over a map until its buckets have so many overflow buckets that it is rewritten at the
// same size, and stops soon after.
func same() {
	const window = 6_000 // 1,024 buckets hold up to 6,656, or 6,144 in Go 1.21
	for i, more := 0, 100; i < 1_000_000 && more > 0; i++ {
		sameSize[i] = i + 1
		if _, g := truth.Growth(sameSize); g {
			more--
			continue
		}
		delete(sameSize, i-window)
		if truth.Impl == "swiss" && i > 10*window {
			break
		}
	}
	for i, more := 0, 100; i < 1_000_000 && more > 0; i++ {
		items(sameSizePtr, i, i+1)
		if _, g := truth.Growth(sameSizePtr); g {
			more--
			continue
		}
		drop(sameSizePtr, i-window, i-window+1)
		if truth.Impl == "swiss" && i > 10*window {
			break
		}
	}
}
