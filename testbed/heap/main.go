// Command heap holds known numbers of objects of many types and sizes, behind pointers in awkward places.
package main

import (
	"runtime"
	"unsafe"

	"testbed/truth"
)

type (
	// T is the plainest object with a pointer.
	T struct {
		ID   int
		Next *int
	}
	Node struct {
		ID   int
		Next *Node
	}
	Tree struct {
		Left, Right *Tree
		Depth       int
	}
	Ring struct {
		Next, Prev *Ring
	}

	// One object type for each of the containers below, so that a container that is misread shows by name.
	Leaf64  struct{ A, B *int }
	Leaf65  struct{ A, B *int }
	Tail504 struct{ A, B *int }
	Tail512 struct{ A, B *int }
	Tail520 struct{ A, B *int }
	End     struct{ A, B *int }
	Cell    struct{ A, B *int }
	Far     struct{ A, B *int }
	P3      struct{ A, B *int }
	Payload struct{ A, B *int }
	Caught  struct{ A, B *int }
	VastEnd struct{ A, B, C *int }
	Kept    struct{ A, B *int }
	Keyed   struct{ A, B *int }
	Valued  struct{ A, B *int }
	Garbage struct{ A, B *int }
	Inner   struct{ A, B *int }

	// Small objects up to 512 bytes have their pointers in a bitmap at the end of the span, larger ones a header.
	S504 struct {
		Pad [62]uint64
		P   *Tail504
	}
	S512 struct {
		Pad [63]uint64
		P   *Tail512
	}
	S520 struct {
		Pad [64]uint64
		P   *Tail520
	}
	// With the header, an object of up to 32,760 bytes is small, and a larger one has a span of its own.
	S32752 struct {
		Pad [4093]uint64
		P   *End
	}
	S32760 struct {
		Pad [4094]uint64
		P   *End
	}
	S32768 struct {
		Pad [4095]uint64
		P   *End
	}
	S40000 struct {
		P   *End
		Pad [4999]uint64
	}

	// Row is stored by value in a slice: three words of five are pointers.
	Row struct {
		ID   int
		A    *Cell
		Name string
		B    *Cell
	}
	// Vast has pointers past its first 128 KiB: up to Go 1.23 its type has a program instead of a mask.
	Vast struct {
		N    int
		Rows [9_000]VastRow
	}
	VastRow struct {
		ID  int
		P   *VastEnd
		Pad [2]int
	}
	// Wide is known from its own header only: an unsafe.Pointer leads to it. From Go 1.27 its mask is built on demand.
	Wide struct{ P [300]*P3 }
	// Interior is reached by a pointer to its middle only.
	Interior struct {
		P [100]*Inner
		N int
	}

	// Value is boxed into interfaces.
	Value struct {
		A, B int
		P    *int
	}
	// Msg travels through a channel by value.
	Msg struct {
		ID int
		P  *Payload
	}
	Named interface{ Name() string }
	// Record is stored by value in a map.
	Record struct {
		ID int
		P  *Valued
	}
)

func (v Value) Name() string { return "value" }

var (
	ts      []*T
	list    *Node
	tree    *Tree
	ring    *Ring
	arr64   *[64]*Leaf64
	arr65   *[65]*Leaf65
	s504    []*S504
	s512    []*S512
	s520    []*S520
	s32752  []*S32752
	s32760  []*S32760
	s32768  []*S32768
	s40000  []*S40000
	rows    []Row
	million []*Far
	vast    *Vast
	wide    unsafe.Pointer
	middles []*int
	boxes   []any
	ifaces  []Named
	msgs    chan Msg
	calls   []func() *Caught
	strs    []string
	buffers [][]byte
	records map[int]Record
	keys    map[*Keyed]struct{}
	kept    **Kept
	number  = new(int)
)

func build() {
	for i := 0; i < 200; i++ {
		ts = append(ts, &T{ID: i, Next: number})
	}
	for i := 0; i < 10_000; i++ {
		list = &Node{ID: i, Next: list}
	}
	tree = grow(12)
	ring = &Ring{}
	ring.Next, ring.Prev = ring, ring
	for i := 1; i < 1_000; i++ {
		r := &Ring{Next: ring.Next, Prev: ring}
		ring.Next.Prev, ring.Next = r, r
	}
	arr64, arr65 = new([64]*Leaf64), new([65]*Leaf65)
	for i := range arr64 {
		arr64[i] = &Leaf64{number, number}
	}
	for i := range arr65 {
		arr65[i] = &Leaf65{number, number}
	}
	for i := 0; i < 10; i++ {
		s504 = append(s504, &S504{P: &Tail504{A: number}})
		s512 = append(s512, &S512{P: &Tail512{A: number}})
		s520 = append(s520, &S520{P: &Tail520{A: number}})
	}
	for i := 0; i < 3; i++ {
		s32752 = append(s32752, &S32752{P: &End{A: number}})
		s32760 = append(s32760, &S32760{P: &End{A: number}})
		s32768 = append(s32768, &S32768{P: &End{A: number}})
		s40000 = append(s40000, &S40000{P: &End{A: number}})
	}
	rows = make([]Row, 3_000)
	for i := range rows {
		rows[i] = Row{ID: i, A: &Cell{A: number}, Name: "row", B: &Cell{B: number}}
	}
	million = make([]*Far, 1<<17) // 1 MiB
	for i := 0; i < len(million); i += 1_021 {
		million[i] = &Far{A: number}
	}
	w := &Wide{}
	for i := range w.P {
		w.P[i] = &P3{A: number}
	}
	wide = unsafe.Pointer(w)
	for i := 0; i < 5; i++ {
		o := &Interior{N: i}
		for j := range o.P {
			o.P[j] = &Inner{A: number}
		}
		middles = append(middles, &o.N)
	}
}

func grow(depth int) *Tree {
	if depth == 0 {
		return nil
	}
	return &Tree{Left: grow(depth - 1), Right: grow(depth - 1), Depth: depth}
}

func more() {
	for i := 0; i < 100; i++ {
		boxes = append(boxes, Value{A: i, P: number})
		ifaces = append(ifaces, Value{B: i, P: number})
	}
	msgs = make(chan Msg, 50)
	for i := 0; i < 20; i++ {
		msgs <- Msg{ID: i, P: &Payload{A: number}}
	}
	for i := 0; i < 50; i++ {
		c := &Caught{A: number}
		calls = append(calls, func() *Caught { return c })
	}
	for i := 0; i < 100; i++ {
		strs = append(strs, string(make([]byte, 20+i)))
		if i%10 == 0 {
			buffers = append(buffers, make([]byte, 1<<20))
		}
	}
	records, keys = map[int]Record{}, map[*Keyed]struct{}{}
	for i := 0; i < 500; i++ {
		records[i] = Record{ID: i, P: &Valued{A: number}}
		keys[&Keyed{A: number}] = struct{}{}
	}
	vast = new(Vast)
	for i := 0; i < len(vast.Rows); i += 1_000 {
		vast.Rows[i].P = &VastEnd{A: number}
	}
	p := &Kept{A: number}
	kept = &p
}

// discard makes garbage in the same spans as the objects that stay.
var last *Garbage

func discard() {
	for i := 0; i < 50_000; i++ {
		last = &Garbage{A: number}
	}
	last = nil
}

func main() {
	discard()
	build()
	discard()
	more()
	discard()
	count()
	truth.Map("main.records", records)
	truth.Map("main.keys", keys)
	truth.Ready("heap")
	runtime.KeepAlive(calls)
}

func count() {
	truth.Count("main.T", 200)
	truth.Count("main.Node", 10_000)
	truth.Count("main.Tree", 1<<12-1)
	truth.Count("main.Ring", 1_000)
	truth.Count("[64]*main.Leaf64", 1)
	truth.Count("[65]*main.Leaf65", 1)
	truth.Count("main.Leaf64", 64)
	truth.Count("main.Leaf65", 65)
	truth.Count("main.S504", 10)
	truth.Count("main.S512", 10)
	truth.Count("main.S520", 10)
	truth.Count("main.Tail504", 10)
	truth.Count("main.Tail512", 10)
	truth.Count("main.Tail520", 10)
	truth.Count("main.S32752", 3)
	truth.Count("main.S32760", 3)
	truth.Count("main.S32768", 3)
	truth.Count("main.S40000", 3)
	truth.Count("main.End", 12)
	truth.Count("main.Cell", 6_000)
	truth.Count("main.Far", (len(million)+1_020)/1_021)
	truth.Count("main.Vast", 1)
	truth.Count("main.VastEnd", 9)
	truth.Count("main.Value", 200)
	truth.Count("main.Payload", 20)
	truth.Count("main.Caught", 50)
	truth.Count("main.Valued", 500)
	truth.Count("main.Keyed", 500)
	truth.Count("main.Kept", 1)
	truth.Count("main.Garbage", 0)
	if truth.Headers {
		truth.Count("main.Wide", 1)
		truth.Count("main.P3", 300)
		truth.Count("main.Interior", 5)
		truth.Count("main.Inner", 500)
	}
}
