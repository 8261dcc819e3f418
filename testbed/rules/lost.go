package main

import (
	"math"
	"runtime"
)

// What is lost in maps and through finalizers is in these variables.
var (
	scores struct{ byRatio map[float64]*score }
	byTurn map[float64]*score
)

type score struct{ notes [6]int64 }

type peerConn struct {
	peer *peerConn
	buf  [4000]byte
}

// rate makes n entries, of which every `of`th has no ratio.
func rate(n, of int) func() {
	return func() {
		scores.byRatio = map[float64]*score{}
		for i := 0; i < n; i++ {
			ratio := float64(i)
			if i%of == 0 {
				ratio = math.NaN()
			}
			scores.byRatio[ratio] = new(score)
		}
	}
}

// pairUp makes n pairs of objects with finalizers; those that lead to each other are never called.
func pairUp(n int, circle bool) func() {
	return func() {
		for i := 0; i < n; i++ {
			pairOnce(circle)
		}
	}
}

//go:noinline
func pairOnce(circle bool) {
	a, b := &peerConn{}, &peerConn{}
	a.peer = b
	if circle {
		b.peer = a
	}
	runtime.SetFinalizer(a, func(*peerConn) {})
	runtime.SetFinalizer(b, func(*peerConn) {})
}

func init() {
	scenarios["gm017"] = scenario{"GM017", "main.scores.byRatio", rate(200_000, 2), func() {
		byTurn = make(map[float64]*score, len(scores.byRatio)/2)
		for ratio, s := range scores.byRatio {
			if !math.IsNaN(ratio) {
				byTurn[ratio] = s
			}
		}
		scores.byRatio = nil
	}, live}
	near("gm017-near", "GM017", rate(200_000, 20))

	scenarios["gh016"] = scenario{"GH016", "main.peerConn", pairUp(3000, true), nil, live}
	near("gh016-near", "GH016", pairUp(3000, false))
}
