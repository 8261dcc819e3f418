// Command heaps holds about as many objects as it is told to, in one of the shapes that heaps of services have: most of
// them share, so that an object has several that point to it.
//
//	heaps lru 5000000
package main

import (
	"os"
	"runtime"
	"strconv"

	"testbed/truth"
)

// shapes says what fills the heap, by name. Each keeps about n objects live until keep returns.
var shapes = map[string]func(n int, keep func()){
	"deep":    deep,
	"graph":   graph,
	"list":    list,
	"lru":     lru,
	"maps":    maps,
	"strings": sharedStrings,
	"tree":    tree,
}

// random is a sequence of numbers that is the same in each run.
type random uint64

func (r *random) below(n int) int {
	*r ^= *r << 13
	*r ^= *r >> 7
	*r ^= *r << 17
	return int(uint64(*r) % uint64(n))
}

// Entry is an element of a cache: in a map by its key, in a list by its use, and in a tree by its parent.
type Entry struct {
	Key        string
	Value      *Value
	Prev, Next *Entry
	Parent     *Entry
}

// Value is what a cache keeps.
type Value struct {
	Body []byte
	Hits int
}

var (
	cache  map[string]*Entry
	newest *Entry
)

// lru is a cache with a map and a list: four objects an entry.
func lru(n int, keep func()) {
	n /= 4
	cache = make(map[string]*Entry)
	dice := random(42)
	all := make([]*Entry, 0, n)
	for i := 0; i < n; i++ {
		key := "key-" + strconv.Itoa(i)
		e := &Entry{Key: key, Value: &Value{Body: make([]byte, 24), Hits: i}, Next: newest}
		if newest != nil {
			newest.Prev = e
			e.Parent = all[dice.below(len(all))]
		}
		newest = e
		all = append(all, e)
		cache[key] = e
	}
	// Some were used since, and stand in front.
	for i := 0; i < n/4; i++ {
		e := all[dice.below(n)]
		if e == newest {
			continue // it has none before it
		}
		e.Prev.Next = e.Next
		if e.Next != nil {
			e.Next.Prev = e.Prev
		}
		e.Prev, e.Next, newest.Prev = nil, newest, e
		newest = e
	}
	all = nil
	truth.Map("main.cache", cache)
	truth.Count("main.Entry", n)
	keep()
}

// Node is a node of a tree that knows its parent.
type Node struct {
	Name     string
	Parent   *Node
	Children []*Node
}

var top *Node

// tree has three objects a node that is not a leaf: four children each.
func tree(n int, keep func()) {
	top = &Node{Name: "top"}
	count := 1
	// A node and its name, and a list of children for four of them.
	for queue := []*Node{top}; count*9/4 < n; queue = queue[1:] {
		parent := queue[0]
		parent.Children = make([]*Node, 4)
		for i := range parent.Children {
			child := &Node{Name: "node-" + strconv.Itoa(count), Parent: parent}
			parent.Children[i] = child
			queue = append(queue, child)
			count++
		}
	}
	truth.Count("main.Node", count)
	keep()
}

// Vertex is a vertex of a graph.
type Vertex struct {
	ID    int
	Edges []*Vertex
}

var vertices []*Vertex

// graph has random edges, two objects a vertex.
func graph(n int, keep func()) {
	n /= 2
	dice := random(42)
	vertices = make([]*Vertex, n)
	for i := range vertices {
		vertices[i] = &Vertex{ID: i}
	}
	for _, v := range vertices {
		v.Edges = make([]*Vertex, 3)
		for i := range v.Edges {
			v.Edges[i] = vertices[dice.below(n)]
		}
	}
	truth.Count("main.Vertex", n)
	keep()
}

// Record is known by its name to two indexes.
type Record struct {
	Name  string
	Group *Group
}

// Group has the names of its records.
type Group struct {
	Names []string
}

var (
	byName map[string]*Record
	groups []*Group
)

// sharedStrings has strings that are the key of a map, the field of a record, and an element of a list: two objects a
// record.
func sharedStrings(n int, keep func()) {
	n /= 2
	byName = make(map[string]*Record)
	for i := 0; i < n; i++ {
		if i%100 == 0 {
			groups = append(groups, &Group{Names: make([]string, 0, 100)})
		}
		group := groups[len(groups)-1]
		name := "record-" + strconv.Itoa(i)
		group.Names = append(group.Names, name)
		byName[name] = &Record{Name: name, Group: group}
	}
	truth.Map("main.byName", byName)
	truth.Count("main.Record", n)
	keep()
}

// Room has a small map of those who are in it, and they know it.
type Room struct {
	Members map[int]*Member
}

// Member is in one room.
type Member struct {
	In *Room
}

var rooms []*Room

// maps has many small maps: five objects a room.
func maps(n int, keep func()) {
	n /= 5
	rooms = make([]*Room, n)
	for i := range rooms {
		// Not of a constant size that the compiler sees.
		room := &Room{Members: make(map[int]*Member, n-n)}
		for j := 0; j < 2; j++ {
			room.Members[i+j] = &Member{In: room}
		}
		rooms[i] = room
	}
	truth.Count("main.Room", n)
	keep()
}

// Link is an element of a list.
type Link struct {
	Next *Link
	Body *Body
}

// Body is what a link has, and who has it.
type Body struct {
	Of   *Link
	Text string
}

var first *Link

// list is one long chain, three objects a link.
func list(n int, keep func()) {
	n /= 3
	for i := 0; i < n; i++ {
		link := &Link{Next: first, Body: &Body{Text: "text-" + strconv.Itoa(i)}}
		link.Body.Of = link
		first = link
	}
	truth.Count("main.Link", n)
	keep()
}

// Step is what a call works on.
type Step struct {
	Caller *Step
	Buffer []byte
}

// deep is a recursion in which each call has five steps of its own, of two objects.
func deep(n int, keep func()) {
	truth.Count("main.Step", n/10*5)
	descend(n/10, nil, keep)
}

//go:noinline
func descend(n int, caller *Step, keep func()) {
	if n == 0 {
		keep()
		return
	}
	var own [5]*Step
	for i := range own {
		own[i] = &Step{Caller: caller, Buffer: make([]byte, 16)}
	}
	descend(n-1, own[n%5], keep)
	for _, step := range own {
		runtime.KeepAlive(step)
	}
}

func main() {
	if len(os.Args) == 3 {
		n, err := strconv.Atoi(os.Args[2])
		if shape := shapes[os.Args[1]]; shape != nil && err == nil && n >= 100 {
			shape(n, func() { truth.Ready("heaps") })
			return
		}
	}
	println("usage: heaps SHAPE OBJECTS")
	os.Exit(2)
}
