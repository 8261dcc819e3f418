// Command maps holds maps in every state a Go map can be in, one in each global variable.
package main

import (
	"fmt"
	"runtime"

	"testbed/truth"
)

// Val is counted: it is held by one map only.
type Val struct{ A, B int64 }

// Item is held by the other maps.
type Item struct {
	ID   int
	Name string
}

type (
	key128  [128]byte
	key129  [129]byte
	key200  [200]byte
	elem128 [128]byte
	elem129 [129]byte
	elem300 [300]byte
	// wide holds pointers, and is stored indirectly.
	wide struct {
		P [20]*Item
	}
	// widest makes groups larger than the runtime's mask of pointers (1 KiB from Go 1.27).
	widest struct {
		P [16]*Item
	}
)

// Names is a named map type.
type Names map[string]int

// Cache is a generic type with a map.
type Cache[K comparable, V any] struct {
	name  string
	items map[K]V
	hits  int
}

// Set is a generic map type.
type Set[K comparable] map[K]struct{}

var (
	empty     = map[string]int{}
	small     [8]map[string]int
	nine      = map[string]int{}
	hundred   = map[string]int{}
	thousands = map[string]int{}
	large     = map[string]int{}

	noscan      = map[int]int{}
	noscanLarge = map[int]int{}
	pointers    = map[string]*Item{}
	set         = map[int]struct{}{}
	flags       = map[[2]uint64]bool{}
	bytes       = map[byte]byte{}
	mixed       = map[string]any{}
	floats      = map[float64]int{}
	nans        = map[float64]int{}
	anys        = map[any]int{}
	stringers   = map[fmt.Stringer]string{}
	structs     = map[struct {
		A int8
		B int64
	}]struct {
		C int16
		D *Item
		E bool
	}{}

	keys128  = map[key128]int{}
	keys129  = map[key129]int{}
	keys200  = map[key200]*Item{}
	elems128 = map[int]elem128{}
	elems129 = map[int]elem129{}
	elems300 = map[string]elem300{}
	wides    = map[int]wide{}
	widests  = map[[16]*Item]widest{}
	slices   = map[int][]int{}

	names    = Names{}
	cache    = &Cache[string, *Item]{name: "cache", items: map[string]*Item{}}
	counters = Cache[int, int]{name: "counters", items: map[int]int{}}
	seen     = Set[string]{}

	zeroed     = map[string]int{}
	zeroedPtrs = map[int]*Item{}
	zeroedWide = map[int]elem300{}
	churned    = map[int]int{}
	churnedPtr = map[string]*Item{}
	drained    = map[string]*Item{}
	drainedInt = map[int]int{}
	cleared    = map[int]int{}
	emptied    = map[int]string{}
	aliased    = map[string]*Item{}
	valued     = map[string]*Val{}
	hinted     = make(map[string]int, 50_000)
	hintedOnly = make(map[int]*Item, 5_000)

	// Growing on legacy maps; on Swiss maps merely large.
	doubling    = map[int]int{}
	doublingPtr = map[string]*Item{}
	sameSize    = map[int]int{}
	sameSizePtr = map[string]*Item{}
	overflowing = map[int]int{}
	overflowPtr = map[string]*Item{}
)

type name string

func (n name) String() string { return string(n) }

func fill(m map[string]int, n int) {
	for i := 0; i < n; i++ {
		m[fmt.Sprint("key", i)] = i + 1
	}
}

func items(m map[string]*Item, from, to int) {
	for i := from; i < to; i++ {
		m[fmt.Sprint("item", i)] = &Item{ID: i, Name: "item"}
	}
}

func drop(m map[string]*Item, from, to int) {
	for i := from; i < to; i++ {
		delete(m, fmt.Sprint("item", i))
	}
}

func sizes() {
	for i := range small {
		small[i] = map[string]int{}
		fill(small[i], i+1)
	}
	fill(nine, 9)
	fill(hundred, 100)
	fill(thousands, 5_000)
	fill(large, 100_000)
	for i := 0; i < 300; i++ {
		noscan[i] = i + 1
	}
	for i := 0; i < 60_000; i++ {
		noscanLarge[i] = i + 1
	}
	items(pointers, 0, 2_000)
}

func kinds() {
	for i := 0; i < 1_000; i++ {
		set[i] = struct{}{}
		flags[[2]uint64{uint64(i), 7}] = i%4 != 0
		bytes[byte(i)] = byte(i/256 + 1)
		floats[float64(i)/8] = i + 1
		anys[i] = i + 1
		anys[fmt.Sprint(i)] = i + 1
		stringers[name(fmt.Sprint(i))] = "value"
		structs[struct {
			A int8
			B int64
		}{int8(i), int64(i)}] = struct {
			C int16
			D *Item
			E bool
		}{1, &Item{ID: i}, true}
		slices[i] = make([]int, i%5)
		names[fmt.Sprint(i)] = i % 2
		cache.items[fmt.Sprint(i)] = &Item{ID: i}
		counters.items[i] = i + 1
		seen[fmt.Sprint(i)] = struct{}{}
	}
	nan := 0.0
	nan /= nan
	for i := 0; i < 40; i++ {
		nans[nan] = i + 1
	}
	mixed["number"] = 1
	mixed["inner"] = map[string]int{"one": 1}
	mixed["deeper"] = map[string]any{"x": map[int]int{1: 1, 2: 2}}
	mixed["item"] = &Item{ID: 1}
	mixed["nil"] = nil
}

func wideSlots() {
	for i := 0; i < 200; i++ {
		var a key128
		var b key129
		var c key200
		a[5], b[6], c[7] = byte(i), byte(i), byte(i)
		keys128[a] = i + 1
		keys129[b] = i + 1
		keys200[c] = &Item{ID: i}
		elems128[i] = elem128{127: byte(i)}
		elems129[i] = elem129{128: byte(i)}
		elems300[fmt.Sprint(i)] = elem300{299: byte(i % 10)}
		wides[i] = wide{P: [20]*Item{19: {ID: i}}}
		p := &Item{ID: i}
		widests[[16]*Item{3: p}] = widest{P: [16]*Item{15: p}}
	}
}

func states() {
	for i := 0; i < 10_000; i++ {
		v := i + 1
		if i%5 == 0 {
			v = 0
		}
		zeroed[fmt.Sprint(i)] = v // one in five
	}
	for i := 0; i < 4_000; i++ {
		zeroedPtrs[i] = nil
		if i%8 == 0 {
			zeroedPtrs[i] = &Item{ID: i} // seven in eight
		}
	}
	for i := 0; i < 100; i++ {
		zeroedWide[i] = elem300{}
		if i%2 == 0 {
			zeroedWide[i] = elem300{298: 1}
		}
	}
	// A window that moves: as many deletes as inserts.
	for i := 0; i < 60_000; i++ {
		churned[i] = i + 1
		delete(churned, i-3_000)
	}
	for i := 0; i < 30_000; i++ {
		items(churnedPtr, i, i+1)
		drop(churnedPtr, i-700, i-699)
	}
	items(drained, 0, 100_000)
	drop(drained, 50, 100_000)
	for i := 0; i < 30_000; i++ {
		drainedInt[i] = i + 1
		cleared[i] = i + 1
		emptied[i] = "x"
	}
	for i := 0; i < 30_000; i++ {
		if i%1_000 != 0 {
			delete(drainedInt, i)
		}
		delete(emptied, i)
	}
	clear(cleared)
	// So large that many directory entries name the same table.
	items(aliased, 0, 108_000)
	drop(aliased, 0, 36_000)
	for i := 0; i < 72_000; i++ {
		valued[fmt.Sprint(i)] = &Val{A: int64(i)}
	}
	fill(hinted, 10)
	hintedOnly[1] = &Item{ID: 1}
}

func main() {
	sizes()
	kinds()
	wideSlots()
	states()
	growing()
	register()
	truth.Count("main.Val", len(valued))
	truth.Ready("maps")
	runtime.KeepAlive(valued)
}

func register() {
	truth.Map("main.empty", empty)
	for _, m := range small {
		truth.Map("main.small[]", m)
	}
	truth.Map("main.nine", nine)
	truth.Map("main.hundred", hundred)
	truth.Map("main.thousands", thousands)
	truth.Map("main.large", large)
	truth.Map("main.noscan", noscan)
	truth.Map("main.noscanLarge", noscanLarge)
	truth.Map("main.pointers", pointers)
	truth.Map("main.set", set)
	truth.Map("main.flags", flags)
	truth.Map("main.bytes", bytes)
	truth.Map("main.mixed", mixed)
	truth.Map("main.mixed[]", mixed["inner"].(map[string]int))
	truth.Map("main.mixed[]", mixed["deeper"].(map[string]any))
	truth.Map("main.mixed[][]", mixed["deeper"].(map[string]any)["x"].(map[int]int))
	truth.Map("main.floats", floats)
	truth.Map("main.nans", nans)
	truth.Map("main.anys", anys)
	truth.Map("main.stringers", stringers)
	truth.Map("main.structs", structs)
	truth.Map("main.keys128", keys128)
	truth.Map("main.keys129", keys129)
	truth.Map("main.keys200", keys200)
	truth.Map("main.elems128", elems128)
	truth.Map("main.elems129", elems129)
	truth.Map("main.elems300", elems300)
	truth.Map("main.wides", wides)
	truth.Map("main.widests", widests)
	truth.Map("main.slices", slices)
	truth.Map("main.names", names)
	truth.Map("main.cache.items", cache.items)
	truth.Map("main.counters.items", counters.items)
	truth.Map("main.seen", seen)
	truth.Map("main.zeroed", zeroed)
	truth.Map("main.zeroedPtrs", zeroedPtrs)
	truth.Map("main.zeroedWide", zeroedWide)
	truth.Map("main.churned", churned)
	truth.Map("main.churnedPtr", churnedPtr)
	truth.Map("main.drained", drained)
	truth.Map("main.drainedInt", drainedInt)
	truth.Map("main.cleared", cleared)
	truth.Map("main.emptied", emptied)
	truth.Map("main.aliased", aliased)
	truth.Map("main.valued", valued)
	truth.Map("main.hinted", hinted)
	truth.Map("main.hintedOnly", hintedOnly)
	truth.Map("main.doubling", doubling)
	truth.Map("main.doublingPtr", doublingPtr)
	truth.Map("main.sameSize", sameSize)
	truth.Map("main.sameSizePtr", sameSizePtr)
	truth.Map("main.overflowing", overflowing)
	truth.Map("main.overflowPtr", overflowPtr)
}
