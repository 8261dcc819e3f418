package main

// Types whose objects have several ways each, and how many objects take each of them.

// part has 48 bytes, a size of a slot.
type part struct {
	id  int
	at  *int
	pad [4]int
}

type store struct {
	parts map[int]*part
	spare []*part
	slots [4]part2
}

type part2 struct {
	part *part
}

// tree has 64 bytes.
type tree struct {
	left, right *tree
	kids        []*tree
	pad         [3]int
}

var (
	parts  *store
	queued = make(chan *part, 8)
	forest *tree
)

func keeper() {
	mine := &part{id: 1}
	escape(mine)
	started.Done()
	<-park
	use(mine)
}

func way(typeName, path string, count, bytes int) {
	fact(`{"fact":"merged","type":%q,"path":%q,"count":%d,"bytes":%d}`, typeName, path, count, count*bytes)
}

//go:noinline
func merged() {
	parts = &store{parts: map[int]*part{}}
	for i := 0; i < 1_000; i++ {
		parts.parts[i] = &part{id: i}
	}
	way("main.part", "main.parts -> store.parts -> map value", 1_000, 48)
	for i := 0; i < 10; i++ {
		parts.spare = append(parts.spare, &part{id: i})
	}
	way("main.part", "main.parts -> store.spare -> slice element", 10, 48)
	for i := range parts.slots[:3] {
		parts.slots[i].part = &part{id: i}
	}
	way("main.part", "main.parts -> store.slots -> array element -> part2.part", 3, 48)
	for i := 0; i < 5; i++ {
		queued <- &part{id: i}
	}
	way("main.part", "main.queued -> channel element", 5, 48)
	for i := 0; i < 7; i++ {
		run(keeper)
	}
	way("main.part", "goroutine main.keeper: mine", 7, 48)

	way("main.node", "main.head", 1, 48)
	way("main.node", "main.head -> node.next ×1–9,999", 9_999, 48)

	// A spine of five to the left, each with one to the right, and two kids of the last.
	forest = &tree{}
	at := forest
	for i := 0; i < 5; i++ {
		at.left, at.right = &tree{}, &tree{}
		at = at.left
	}
	at.kids = []*tree{{}, {}}
	way("main.tree", "main.forest", 1, 64)
	way("main.tree", "main.forest -> tree.left ×1–5", 5, 64)
	way("main.tree", "main.forest -> tree.right", 1, 64)
	way("main.tree", "main.forest -> tree.left ×1–5 -> tree.right", 4, 64)
	way("main.tree", "main.forest -> tree.left ×1–5 -> tree.kids -> slice element", 2, 64)
}
