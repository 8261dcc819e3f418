package main

import (
	"reflect"
	"time"

	"testbed/truth"
)

// field is one field of a struct, as reflection sees it.
type field struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Offset int    `json:"offset"`
	Size   int    `json:"size"`
	Align  int    `json:"align"`
}

// layout is one struct. Best is the same struct with its fields in the best order, as the compiler lays it out.
type layout struct {
	Type     string  `json:"type"`
	Size     int     `json:"size"`
	Align    int     `json:"align"`
	Pointers bool    `json:"pointers"`
	Slot     int     `json:"slot_bytes"`
	Best     int     `json:"best_size"`
	BestSlot int     `json:"best_slot_bytes"`
	Fields   []field `json:"fields"`
}

type holed struct {
	a bool
	b *int
	c int16
	d string
	e bool
	f complex64
	g [3]byte
}

type holedBest struct {
	b *int
	d string
	f complex64
	c int16
	a bool
	e bool
	g [3]byte
}

type marked struct {
	n    int
	name string
	mark struct{}
}

type markedBest struct {
	mark struct{}
	n    int
	name string
}

type base struct {
	id   int32
	live bool
}

type embedding struct {
	flag bool
	base
	*holed
	at   time.Time
	none [0]*int
	more bool
}

type embeddingBest struct {
	none [0]*int
	*holed
	at time.Time
	base
	flag, more bool
}

type pair[K comparable, V any] struct {
	ok    bool
	key   K
	seen  bool
	value V
}

type pairBest[K comparable, V any] struct {
	key      K
	value    V
	ok, seen bool
}

// big is stored in maps as a pointer, and has pointers and a size over 512 bytes, so that its slot has a header.
type big struct {
	on   bool
	rows [36][2]int
	off  bool
	next *big
}

type bigBest struct {
	next    *big
	rows    [36][2]int
	on, off bool
}

type tight struct {
	a, b int32
	c    uint8
}

func structs[T, Best any]() {
	t, best := reflect.TypeOf((*T)(nil)).Elem(), reflect.TypeOf((*Best)(nil)).Elem()
	l := layout{
		Type: t.String(), Size: int(t.Size()), Align: t.Align(), Pointers: truth.HasPointers(t), Slot: truth.SlotBytes(t),
		Best: int(best.Size()), BestSlot: truth.SlotBytes(best),
	}
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		size, align := int(f.Type.Size()), f.Type.FieldAlign()
		l.Fields = append(l.Fields, field{f.Name, f.Type.String(), int(f.Offset), size, align})
	}
	out.Structs = append(out.Structs, l)
}

// kept makes the compiler describe these map types.
var kept = []any{map[string]holed{}, map[base]big{}}

func allStructs() {
	structs[holed, holedBest]()
	structs[marked, markedBest]()
	structs[embedding, embeddingBest]()
	structs[pair[string, int], pairBest[string, int]]()
	structs[pair[int8, *holed], pair[int8, *holed]]()
	structs[big, bigBest]()
	structs[tight, tight]()
	structs[base, base]()
}
