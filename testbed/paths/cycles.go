package main

import (
	"container/list"
	"fmt"
	"unsafe"
)

// Structures with cycles and without. A map with a few entries is two objects: its header, and a group or bucket.

type dir struct {
	kids   map[string]*dir
	parent *dir
}

type ringNode struct {
	id   int
	next *ringNode
}

// lru is the usual cache: its list is a ring, but nothing in it leads back to the map.
type lru struct {
	items map[string]*list.Element
	order *list.List
}

// owned is one whose entries know it.
type owned struct {
	items map[string]*list.Element
	order *list.List
}

type entry struct {
	key   string
	owner *owned
}

// twoMaps lead to each other.
type pairOf struct {
	id    int
	other map[int]*pairOf
}

var (
	rootDir *dir
	ring    *ringNode
	self    = map[string]any{}
	plain   *lru
	linked  *owned
	pairs   *pairOf
	diamond = map[string]map[string]*leaf{}
	downs   *dir
)

func mapAddress[K comparable, V any](m map[K]V) uintptr { return *(*uintptr)(unsafe.Pointer(&m)) }

// cycle states a group of objects that reach each other: how many they are, the addresses of its maps, the object
// where it is entered, and the steps from there back to it.
func cycle(objects int, entry uintptr, steps, from, field, to string, maps ...uintptr) {
	text := ""
	for i, m := range maps {
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf(`"%#x"`, m)
	}
	fact(`{"fact":"cycle","objects":%d,"entry":"%#x","steps":%q,"from":%q,"field":%q,"to":%q,"maps":[%s]}`,
		objects, entry, steps, from, field, to, text)
}

//go:noinline
func cycles() {
	rootDir, downs = &dir{kids: map[string]*dir{}}, &dir{kids: map[string]*dir{}}
	plain = &lru{items: map[string]*list.Element{}, order: list.New()}
	linked = &owned{items: map[string]*list.Element{}, order: list.New()}

	rootDir.kids["a"], rootDir.kids["b"] = &dir{parent: rootDir}, &dir{parent: rootDir}
	cycle(5, address(rootDir), "dir.kids -> map value -> dir.parent", "main.dir", "dir.parent", "main.dir",
		mapAddress(rootDir.kids))

	ring = &ringNode{id: 1, next: &ringNode{id: 2}}
	ring.next.next = &ringNode{id: 3, next: ring}
	cycle(3, address(ring), "ringNode.next ×3", "main.ringNode", "ringNode.next", "main.ringNode")

	self["self"] = self
	cycle(2, mapAddress(self), "map value -> interface content", "map[string]interface {} (storage)",
		"map value -> interface content", "map[string]interface {} (header)", mapAddress(self))

	for _, key := range []string{"a", "b", "c"} {
		plain.items[key] = plain.order.PushBack(new(leaf))
		linked.items[key] = linked.order.PushBack(&entry{key, linked})
	}
	// The list's head is in it, and each element points to the list.
	fact(`{"fact":"ring","objects":4,"entry":"%#x"}`, address(plain.order))
	cycle(1+2+1+3+3, address(linked), "owned.items -> map value -> Element.Value -> interface content -> entry.owner",
		"main.entry", "entry.owner", "main.owned", mapAddress(linked.items))

	pairs = &pairOf{other: map[int]*pairOf{}}
	second := &pairOf{other: map[int]*pairOf{1: pairs}}
	pairs.other[1] = second
	cycle(6, address(pairs), "(pairOf.other -> map value) ×2", "map[int]*main.pairOf (storage)", "map value",
		"main.pairOf", mapAddress(pairs.other), mapAddress(second.other))

	// Look-alikes: one map reached twice, and a tree without the way back.
	inner := map[string]*leaf{"x": new(leaf)}
	diamond["a"], diamond["b"] = inner, inner
	downs.kids["a"] = &dir{kids: map[string]*dir{"b": {}}}
}
