// Command retained builds structures whose retained sizes follow from how they are built.
package main

import (
	"reflect"
	"sync"
	"unsafe"

	"testbed/truth"
)

type (
	// Link is an element of a long list; a list is where a walk of the dominators that recurses would end.
	Link struct {
		Next *Link
		Load *Load
	}
	Load struct{ Bytes [48]byte }
	// Leaf is held by two branches of a tree at once.
	Leaf   struct{ A, B *int }
	Branch struct {
		Left, Right *Branch
		Shared      *Leaf
		Own         *Own
	}
	Own struct{ Bytes [112]byte }
	// Both is held by two variables.
	Both struct{ Below *Below }
	// Below is held by Both alone, and so by no variable alone.
	Below struct{ Bytes [240]byte }
	// Ring leads back to itself.
	Ring struct {
		Next *Ring
		Tail *Tail
	}
	Tail struct{ Bytes [80]byte }
	// Buffer is held by goroutines.
	Buffer struct{ Bytes [65536]byte }
	Value  struct {
		Name *string
		Pad  [40]byte
	}
)

var (
	list   *Link
	tree   *Branch
	first  *Both
	second *Both
	ring   *Ring
	values map[int]*Value
)

const (
	links   = 100_000
	holders = 5
	entries = 10_000
)

func bytes[T any]() int { return truth.SlotBytes(reflect.TypeOf((*T)(nil)).Elem()) }

func address[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }

//go:noinline
func build() {
	for i := 0; i < links; i++ {
		list = &Link{Next: list, Load: new(Load)}
	}
	truth.Retained("holder", "main.list", 0, links*(bytes[Link]()+bytes[Load]()))
	// All but the first are below it, so that the type retains what the first does.
	truth.Retained("type", "main.Link", 0, links*(bytes[Link]()+bytes[Load]()))
	truth.Retained("type", "main.Load", 0, links*bytes[Load]())
	half := list
	for i := 0; i < links/2; i++ {
		half = half.Next
	}
	truth.Retained("object", "", address(half), links/2*(bytes[Link]()+bytes[Load]()))

	leaf := new(Leaf)
	branch := func() *Branch { return &Branch{Shared: leaf, Own: new(Own)} }
	tree = branch()
	tree.Left, tree.Right = branch(), branch()
	truth.Retained("holder", "main.tree", 0, 3*(bytes[Branch]()+bytes[Own]())+bytes[Leaf]())
	truth.Retained("object", "", address(tree), 3*(bytes[Branch]()+bytes[Own]())+bytes[Leaf]())
	truth.Retained("object", "", address(tree.Left), bytes[Branch]()+bytes[Own]())
	truth.Retained("object", "", address(leaf), bytes[Leaf]())

	first = &Both{Below: new(Below)}
	second = first
	truth.Retained("holder", "main.second", 0, 0)
	truth.Retained("object", "", address(first), bytes[Both]()+bytes[Below]())

	start := new(Ring)
	end := start
	for i := 0; i < 9; i++ {
		end.Next = &Ring{Tail: new(Tail)}
		end = end.Next
	}
	end.Next = start
	ring = start
	truth.Retained("holder", "main.ring", 0, 10*bytes[Ring]()+9*bytes[Tail]())
	truth.Retained("object", "", address(end), bytes[Ring]()+bytes[Tail]())

	values = make(map[int]*Value, entries)
	for i := 0; i < entries; i++ {
		name := new(string)
		values[i] = &Value{Name: name}
	}
	figures := truth.Read(values)
	below := entries * (bytes[Value]() + bytes[string]())
	truth.Map("main.values", values)
	truth.Retained("holder", "main.values", 0, figures.StorageBytes+truth.HeaderBytes()+below)
	truth.Retained("object", "", *(*uintptr)(unsafe.Pointer(&values)), figures.StorageBytes+truth.HeaderBytes()+below)
	truth.Retained("type", "main.Value", 0, below)
}

//go:noinline
func hold(ready *sync.WaitGroup, forever chan bool) {
	buffer := allocate()
	fill(buffer)
	ready.Done()
	<-forever
	fill(buffer)
}

// allocate returns what it makes, so that it cannot be on a stack.
//
//go:noinline
func allocate() *Buffer { return new(Buffer) }

//go:noinline
func fill(b *Buffer) { b.Bytes[0]++ }

var (
	ready   sync.WaitGroup
	forever = make(chan bool)
)

func main() {
	build()
	ready.Add(holders)
	for i := 0; i < holders; i++ {
		go hold(&ready, forever)
	}
	ready.Wait()
	truth.Retained("type", "main.Buffer", 0, holders*bytes[Buffer]())
	truth.Retained("holder", "goroutine main.hold", 0, holders*bytes[Buffer]())
	truth.Ready("retained")
}
