// Command places holds a map in every kind of place a map can be reached from.
package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"testbed/truth"
)

type table map[string]int

type holder struct {
	id int
	m  map[string]int
}

type base struct {
	id int
	m  map[string]int
}

type outer struct {
	name string
	base
	*holder
}

type registry struct {
	mu    sync.Mutex
	items map[string]*session
	rows  [2]struct {
		left, right map[int]int
	}
}

type session struct {
	id  int
	buf map[string]int
}

type pair[A comparable, B any] struct {
	left  map[A]B
	right []map[A]B
	next  *pair[A, B]
}

type namer interface{ Name() string }

func (h *holder) Name() string     { return "holder" }
func (h *holder) Len() int         { return len(h.m) }
func (h holder) Copy(n string) int { return h.m[n] }

// vast is over 512 bytes, so that its heap object says what it is from Go 1.22.
type vast struct {
	pad [100]*int
	m   map[string]int
}

// make1 makes a small map that differs from every other.
var made int

func make1() map[string]int {
	made++
	m := map[string]int{}
	for i := 0; i <= made%40; i++ {
		m[string(rune('a'+i))] = made
	}
	return m
}

var (
	global   = make1()
	named    = table(make1())
	value    = holder{m: make1()}
	pointer  = &holder{m: make1()}
	twice    = &pointer2
	pointer2 = &holder{m: make1()}
	array    = [3]map[string]int{make1(), make1(), make1()}
	slice    = []map[string]int{make1(), make1()}
	spare    []map[string]int
	interior []map[string]int
	structs  = []holder{{m: make1()}, {m: make1()}}
	pointers = []*holder{{m: make1()}, nil, {m: make1()}}
	matrix   = [][]map[string]int{{make1()}, {make1(), make1()}}
	reg      = &registry{items: map[string]*session{}}

	buffered   = make(chan map[string]int, 5)
	holders    = make(chan *holder, 4)
	unbuffered = make(chan map[string]int)

	anyMap   any   = make1()
	anyPtr   any   = &holder{m: make1()}
	anyValue any   = holder{m: make1()}
	iface    namer = &holder{m: make1()}
	anys           = []any{make1(), &holder{m: make1()}}
	keyAny         = map[any]string{}

	handler    func(string) int
	handlerRef func(string) int
	method     func() int
	methodVal  func(string) int

	nested = map[string]map[string]int{"a": make1(), "b": make1()}
	deep   = map[int]map[string][]map[string]int{1: {"x": {make1()}}}
	keyed  = map[*holder]int{{m: make1()}: 1}

	syncMaps sync.Map
	syncPtrs sync.Map

	atomicPtr   atomic.Pointer[holder]
	atomicMap   atomic.Value
	atomicValue atomic.Value

	ints    = pair[int, string]{left: map[int]string{1: "x"}, right: []map[int]string{{2: "y"}}}
	strs    = &pair[string, *holder]{left: map[string]*holder{"h": {m: make1()}}, next: &pair[string, *holder]{left: map[string]*holder{}}}
	embeds  = outer{base: base{m: make1()}, holder: &holder{m: make1()}}
	shared  = make1()
	sharer  = &holder{m: shared}
	inside  = &insides.rows[1]
	insides = &registry{}

	opaque unsafe.Pointer
)

func globals() {
	spare = make([]map[string]int, 0, 64)
	for i := 0; i < 5; i++ {
		spare = append(spare, make1())
	}
	// Only the tail is reachable by name; the array as a whole is alive.
	all := make([]map[string]int, 6)
	for i := range all {
		all[i] = make1()
	}
	interior = all[3:]
	reg.items["a"] = &session{id: 1, buf: make1()}
	reg.items["b"] = &session{id: 2, buf: make1()}
	reg.rows[0].left = map[int]int{1: 1}
	reg.rows[1].right = map[int]int{1: 1, 2: 2}
	inside.left = map[int]int{3: 3}

	for i := 0; i < 3; i++ {
		buffered <- make1()
	}
	holders <- &holder{m: make1()}

	seen := make1()
	handler = func(s string) int { return seen[s] }
	counts := make1()
	handlerRef = func(s string) int {
		counts = count(counts, s)
		return counts[s]
	}
	handlerRef("a")
	keyAny[&holder{m: make1()}] = "x"
	methods()

	syncMaps.Store("a", make1())
	syncMaps.Store("b", make1())
	syncPtrs.Store("a", &holder{m: make1()})
	syncPtrs.Store("b", &holder{m: make1()})
	syncPtrs.Load("a")
	atomicPtr.Store(&holder{m: make1()})
	atomicMap.Store(make1())
	atomicValue.Store(&holder{m: make1()})

	truth.Map("main.global", global)
	truth.Map("main.named", named)
	truth.Map("main.value.m", value.m)
	truth.Map("main.pointer.m", pointer.m)
	truth.MapAny((*twice).m)
	each("main.array[]", array[:])
	each("main.slice[]", slice)
	each("main.spare[]", spare)
	each("main.interior[]", interior)
	for _, m := range all[:3] {
		truth.MapAny(m)
	}
	for i := range structs {
		truth.Map("main.structs[].m", structs[i].m)
	}
	truth.Map("main.pointers[].m", pointers[0].m)
	truth.Map("main.pointers[].m", pointers[2].m)
	for _, row := range matrix {
		each("main.matrix[][]", row)
	}
	truth.Map("main.reg.items", reg.items)
	truth.Map("main.reg.items[].buf", reg.items["a"].buf)
	truth.Map("main.reg.items[].buf", reg.items["b"].buf)
	truth.Map("main.reg.rows[].left", reg.rows[0].left)
	truth.Map("main.reg.rows[].right", reg.rows[1].right)
	truth.MapAny(inside.left)
	for i := 0; i < 3; i++ {
		m := <-buffered
		truth.Map("main.buffered[]", m)
		buffered <- m
	}
	h := <-holders
	truth.Map("main.holders[].m", h.m)
	holders <- h
	truth.Map("main.anyMap", anyMap.(map[string]int))
	truth.Map("main.anyPtr.m", anyPtr.(*holder).m)
	truth.Map("main.anyValue.m", anyValue.(holder).m)
	truth.Map("main.iface.m", iface.(*holder).m)
	truth.Map("main.anys[]", anys[0].(map[string]int))
	truth.Map("main.anys[].m", anys[1].(*holder).m)
	truth.Map("main.keyAny", keyAny)
	for k := range keyAny {
		truth.Map("main.keyAny[key].m", k.(*holder).m)
	}
	truth.Map("main.handler{seen}", seen)
	truth.Map("main.handlerRef{counts}", counts)
	truth.Map("main.nested", nested)
	truth.Map("main.nested[]", nested["a"])
	truth.Map("main.nested[]", nested["b"])
	truth.Map("main.deep", deep)
	truth.Map("main.deep[]", deep[1])
	truth.Map("main.deep[][][]", deep[1]["x"][0])
	truth.Map("main.keyed", keyed)
	for k := range keyed {
		truth.Map("main.keyed[key].m", k.m)
	}
	syncMaps.Range(func(_, v any) bool {
		truth.Map("main.syncMaps[]", v.(map[string]int))
		return true
	})
	syncPtrs.Range(func(_, v any) bool {
		truth.Map("main.syncPtrs[].m", v.(*holder).m)
		return true
	})
	truth.Map("main.atomicPtr.m", atomicPtr.Load().m)
	truth.Map("main.atomicMap", atomicMap.Load().(map[string]int))
	truth.Map("main.atomicValue.m", atomicValue.Load().(*holder).m)
	truth.Map("main.ints.left", ints.left)
	truth.Map("main.ints.right[]", ints.right[0])
	truth.Map("main.strs.left", strs.left)
	truth.Map("main.strs.left[].m", strs.left["h"].m)
	truth.Map("main.strs.next.left", strs.next.left)
	truth.Map("main.embeds.base.m", embeds.base.m)
	truth.Map("main.embeds.holder.m", embeds.holder.m)
	truth.Map("main.shared", shared)
	hidden()
}

// methods leaves maps to method values, whose receivers have no name.
//
//go:noinline
func methods() {
	p, v := &holder{m: make1()}, holder{m: make1()}
	method, methodVal = p.Len, v.Copy
	truth.MapAny(p.m)
	truth.MapAny(v.m)
}

// hidden is a map that only an untyped pointer leads to. From Go 1.22 the object behind it has a header that says what it
// is; before, nothing does.
func hidden() {
	v := &vast{m: make1()}
	opaque = unsafe.Pointer(v)
	if truth.Headers {
		truth.Map("main.opaque.m", v.m)
	}
}

//go:noinline
func count(m map[string]int, s string) map[string]int {
	m[s]++
	return m
}

func each(owner string, list []map[string]int) {
	for _, m := range list {
		truth.Map(owner, m)
	}
}

// use keeps its arguments alive up to the call.
//
//go:noinline
func use(...any) { runtime.Gosched() }

// keep makes its argument escape, and forgets it.
var sink any

//go:noinline
func keep(v any) {
	sink = v
	sink = nil
}

func main() {
	globals()
	goroutines()
	specials()
	local := make1()
	keep(local)
	box := &holder{m: make1()}
	keep(box)
	truth.Map(truth.Local("main.main", "local"), local)
	truth.Map(truth.Local("main.main", "box.m"), box.m)
	truth.Ready("places")
	use(local, box)
	runtime.KeepAlive(sharer)
}
