// Command paths builds structures whose every path from a root, and whose every cycle, is known, and prints them.
//
// Addresses are kept as integers, so that what is printed holds nothing.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	"testbed/truth"
)

// leaf is what most paths lead to. No two places share one.
type leaf struct {
	id   int
	name *[4]int
	pad  [4]int
}

type registry struct {
	id    int
	items map[string]*session
	rows  [2]row
	boxed any
}

type row struct {
	left, right []*leaf
}

type session struct {
	id  int
	buf []byte
	tag *leaf
}

type item struct {
	id   int
	leaf *leaf
}

type box struct {
	value any
}

type node struct {
	id   int
	next *node
	pad  [4]int
}

// chain and cell take turns: two steps that are repeated together.
type chain struct {
	id   int
	cell *cell
}

type cell struct {
	id    int
	chain *chain
	pad   [2]int
}

var (
	reg        *registry
	items      []item
	table      [3]item
	tableAt    *[3]item
	byID       = map[int]item{}
	keyed      = map[*leaf]bool{}
	large      = map[[20]int]*leaf{}
	queue      = make(chan *leaf, 4)
	cache      sync.Map
	anyLeaf    any
	anyItem    any
	boxes      box
	handler    func() int
	handlerRef func() int
	twice      **leaf
	untyped    unsafe.Pointer
	head       *node
	turns      *chain
	both       *leaf
	counter    [8]int
	park       = make(chan struct{})
	started    sync.WaitGroup
)

// facts are the lines of the truth; they are JSON objects.
var facts []string

func fact(format string, arguments ...any) {
	facts = append(facts, fmt.Sprintf(format, arguments...))
}

func address[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }

// path states the path from a kind of root to the object at p, and that there is none from other kinds that are not
// stated as well.
func path[T any](p *T, kind, text string) {
	fact(`{"fact":"path","addr":"%#x","kind":%q,"path":%q}`, address(p), kind, text)
}

//go:noinline
func newLeaf() *leaf { return &leaf{id: 1, name: new([4]int)} }

//go:noinline
func globals() {
	// Made here: what is made where a variable is declared is not on the heap.
	reg = &registry{items: map[string]*session{}}
	s := &session{buf: make([]byte, 300), tag: newLeaf()}
	reg.items["a"] = s
	path(reg, "global", "main.reg")
	path(s, "global", "main.reg -> registry.items -> map value")
	path(&s.buf[0], "global", "main.reg -> registry.items -> map value -> session.buf")
	path(s.tag, "global", "main.reg -> registry.items -> map value -> session.tag")
	path(s.tag.name, "global", "main.reg -> registry.items -> map value -> session.tag -> leaf.name")
	fact(`{"fact":"interior","addr":"%#x","object":"%#x","offset":%d,"type":"main.session"}`,
		address(&s.tag), address(s), unsafe.Offsetof(s.tag))

	reg.rows[1].right = []*leaf{newLeaf(), newLeaf()}
	path(reg.rows[1].right[1], "global", "main.reg -> registry.rows -> array element -> row.right -> slice element")
	reg.rows[0].left = []*leaf{newLeaf()}
	path(reg.rows[0].left[0], "global", "main.reg -> registry.rows -> array element -> row.left -> slice element")
	reg.boxed = &item{leaf: newLeaf()}
	path(reg.boxed.(*item).leaf, "global", "main.reg -> registry.boxed -> interface content -> item.leaf")

	items = []item{{}, {leaf: newLeaf()}}
	path(&items[0], "global", "main.items")
	path(items[1].leaf, "global", "main.items -> slice element -> item.leaf")
	table[2].leaf = newLeaf()
	path(table[2].leaf, "global", "main.table -> array element -> item.leaf")
	tableAt = &[3]item{1: {leaf: newLeaf()}}
	path(tableAt[1].leaf, "global", "main.tableAt -> array element -> item.leaf")

	l := newLeaf()
	byID[7] = item{leaf: l}
	path(l, "global", "main.byID -> map value -> item.leaf")
	l = newLeaf()
	keyed[l] = true
	path(l, "global", "main.keyed -> map key")
	l = newLeaf()
	large[[20]int{1}] = l
	path(l, "global", "main.large -> map value")
	l = newLeaf()
	queue <- nil
	queue <- l
	path(l, "global", "main.queue -> channel element")
	it := &item{leaf: newLeaf()}
	cache.Store(newLeaf(), it)
	path(it.leaf, "global", "main.cache -> map value -> interface content -> item.leaf")
	cache.Range(func(k, _ any) bool {
		path(k.(*leaf), "global", "main.cache -> map key -> interface content")
		return true
	})

	l = newLeaf()
	anyLeaf = l
	path(l, "global", "main.anyLeaf -> interface content")
	l = newLeaf()
	anyItem = item{leaf: l}
	path(l, "global", "main.anyItem -> interface content -> item.leaf")
	l = newLeaf()
	boxes.value = l
	path(l, "global", "main.boxes -> box.value -> interface content")
	closures(newLeaf(), newLeaf())
	l = newLeaf()
	twice = &l
	path(l, "global", "main.twice")
	l2 := newLeaf()
	untyped = unsafe.Pointer(&item{leaf: l2})
	path((*item)(untyped), "global", "main.untyped")

	for i := 0; i < 10_000; i++ {
		head = &node{id: i, next: head}
	}
	last := head
	for last.next != nil {
		last = last.next
	}
	path(head, "global", "main.head")
	path(head.next, "global", "main.head -> node.next")
	path(last, "global", "main.head -> node.next ×9,999")
	turns = &chain{}
	end := turns
	for i := 0; i < 50; i++ {
		end.cell = &cell{chain: &chain{id: i}}
		end = end.cell.chain
	}
	path(end, "global", "main.turns -> (chain.cell -> cell.chain) ×50")

	fact(`{"fact":"data","addr":"%#x","name":"main.reg"}`, address(&reg))
	fact(`{"fact":"data","addr":"%#x","name":"main.counter"}`, address(&counter[3]))
	fact(`{"fact":"data","addr":"%#x","name":"main.table[].leaf"}`, address(&table[1].leaf))
}

//go:noinline
func closures(seen, counted *leaf) {
	handler = func() int { return seen.id }
	path(seen, "global", "main.handler -> {seen}")
	handlerRef = func() int {
		counted.id++
		if counted.id > 10 {
			counted = newLeaf()
		}
		return counted.id
	}
	path(counted, "global", "main.handlerRef -> {counted}")
}

type finalized struct {
	id    int
	child *leaf
	pad   [8]int
}

var last *finalized

//go:noinline
func finalizers() {
	kept := newLeaf()
	last = &finalized{child: newLeaf()}
	runtime.SetFinalizer(last, func(f *finalized) { f.id = kept.id })
	path(last, "global", "main.last")
	path(last.child, "global", "main.last -> finalized.child")
	path(last.child, "finalizer", "finalizer of main.finalized -> finalized.child")
	path(kept, "finalizer", "finalizer -> {kept}")
}

func run(f func()) {
	started.Add(1)
	go f()
	started.Wait()
}

//go:noinline
func use(...any) {}

// escape makes its argument escape, and forgets it.
var sink any

//go:noinline
func escape(v any) {
	sink = v
	sink = nil
}

func worker() {
	local := newLeaf()
	escape(local)
	path(local, "stack", fmt.Sprintf("goroutine %d main.worker: local", truth.Goroutine()))
	it := &item{leaf: newLeaf()}
	escape(it)
	path(it.leaf, "stack", fmt.Sprintf("goroutine %d main.worker: it -> item.leaf", truth.Goroutine()))
	shared := newLeaf()
	escape(shared)
	both = shared
	path(shared, "global", "main.both")
	path(shared, "stack", fmt.Sprintf("goroutine %d main.worker: shared", truth.Goroutine()))
	// As large as this, so that more than a quarter of the stack is in use, and collections do not make it smaller.
	var numbers [4096]int
	fill(&numbers)
	fact(`{"fact":"stack","addr":"%#x","name":"goroutine %d main.worker"}`, address(&numbers[5]), truth.Goroutine())
	started.Done()
	<-park
	use(local, it, shared, numbers[len(facts)])
}

//go:noinline
func fill(numbers *[4096]int) {
	for i := range numbers {
		numbers[i] = i
	}
}

// freed leaves free slots in a span that one object keeps in use: 3072 bytes is a size that nothing else here has.
var survivor *[3000]byte

//go:noinline
func freed() uintptr {
	var all [64]*[3000]byte
	for i := range all {
		all[i] = new([3000]byte)
		escape(all[i])
		// An object that does not start a page is not the first of its span, so the one before it is in the same span.
		for _, o := range all[:i] {
			if address(all[i])-address(o) == 3072 && address(all[i])%8192 != 0 {
				survivor = all[i]
				return address(o)
			}
		}
	}
	panic("paths: no two objects are neighbours")
}

type rubbish struct {
	id   int
	next *rubbish
	pad  [12]int
}

// garbage is made when nothing collects any more.
//
//go:noinline
func garbage() {
	r := &rubbish{next: &rubbish{}}
	escape(r)
	fact(`{"fact":"garbage","addr":"%#x","type":"main.rubbish","from":0}`, address(r))
	fact(`{"fact":"garbage","addr":"%#x","type":"main.rubbish","from":1}`, address(r.next))
}

func main() {
	debug.SetGCPercent(-1)
	globals()
	finalizers()
	merged()
	cycles()
	run(worker)
	free := freed()
	fact(`{"fact":"free","addr":"%#x","bytes":3072}`, free)
	truth.Settle()
	for i := 0; i < 3; i++ {
		runtime.GC()
	}
	garbage()
	out := []byte(`{"program":"paths","go":"` + runtime.Version() + `","facts":[` + strings.Join(facts, ",") + "]}\nREADY\n")
	if _, err := os.Stdout.Write(out); err != nil {
		os.Exit(3)
	}
	var stdin [1]byte
	for {
		n, err := syscall.Read(0, stdin[:])
		if n <= 0 && err != syscall.EINTR {
			syscall.Exit(0)
		}
	}
}
