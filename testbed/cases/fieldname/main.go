// Command fieldname has maps below fields that are far into their objects.
package main

import (
	"runtime"

	"cases/say"
)

type inner struct{ m map[int]int }
type two struct {
	m map[int]int
	n int
}
type S3 struct {
	h [3]uint32
	p *inner
}
type S600 struct {
	h [600]uint32
	p *inner
}
type S9000 struct {
	h [9000]uint32
	p *inner
}
type S9000b struct {
	h [9000]uint32
	p *two
}
type S9000c struct {
	h [9000]uint32
	m map[int]int
}
type S9000d struct {
	p *inner
	h [9000]uint32
}
type S20k struct {
	h [20_000]uint32
	p *inner
}

var (
	a *S3
	b *S600
	c *S9000
	d *S9000b
	e *S9000c
	f *S9000d
	g *S20k
)

func mk(n int) map[int]int {
	m := map[int]int{}
	for j := 0; j < n; j++ {
		m[j] = j
	}
	return m
}

func main() {
	a, b, c, d, e, f, g = new(S3), new(S600), new(S9000), new(S9000b), new(S9000c), new(S9000d), new(S20k)
	a.p, b.p, c.p, d.p, e.m, f.p, g.p = &inner{mk(101)}, &inner{mk(102)}, &inner{mk(103)}, &two{m: mk(104)}, mk(105), &inner{mk(106)}, &inner{mk(107)}
	runtime.GC()
	say.Maps(1, 101, "main.a.p.m")
	say.Maps(1, 102, "main.b.p.m")
	say.Maps(1, 103, "main.c.p.m")
	say.Maps(1, 104, "main.d.p.m")
	say.Maps(1, 105, "main.e.m")
	say.Maps(1, 106, "main.f.p.m")
	say.Maps(1, 107, "main.g.p.m")
	say.Ready()
	runtime.KeepAlive([]any{a, b, c, d, e, f, g})
}
