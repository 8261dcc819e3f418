// Sizes measures what maps cost: 21 types of key and element, six numbers of entries, with a hint and without, and
// after every entry was replaced ten times; and how structs are laid out. Nothing of it stays: the line of truth has
// the figures.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"time"

	"testbed/truth"
)

// typeSize is what a map cares about of a type.
type typeSize struct {
	Name     string `json:"name"`
	Size     int    `json:"size"`
	Align    int    `json:"align"`
	Pointers bool   `json:"pointers"`
}

// measured is one map. Overflow buckets are -1 for Swiss maps.
type measured struct {
	Key       int  `json:"key"`
	Elem      int  `json:"elem"`
	Entries   int  `json:"entries"`
	Hint      int  `json:"hint"`
	Turnovers int  `json:"turnovers"`
	Made      int  `json:"made_bytes"`
	Bytes     int  `json:"table_bytes"`
	Indirect  int  `json:"indirect_bytes"`
	Padding   int  `json:"padding_bytes"`
	Groups    int  `json:"groups"`
	Overflow  int  `json:"overflow_buckets"`
	Old       int  `json:"old_buckets_bytes"`
	Growing   bool `json:"growing"`
}

type result struct {
	Program string     `json:"program"`
	Go      string     `json:"go"`
	Impl    string     `json:"impl"`
	Types   []typeSize `json:"types"`
	Maps    []measured `json:"maps"`
	Structs []layout   `json:"structs"`
}

var out = result{Program: "sizes", Go: runtime.Version(), Impl: truth.Impl}

// sizes are: one group or bucket, filled; one table; where tables split and buckets move; many tables.
var sizes = []int{1, 8, 100, 896, 5_000, 100_000}

const turnovers = 10

func typeOf[T any]() int {
	t := reflect.TypeOf((*T)(nil)).Elem()
	for i, known := range out.Types {
		if known.Name == t.String() {
			return i
		}
	}
	out.Types = append(out.Types, typeSize{t.String(), int(t.Size()), t.Align(), truth.HasPointers(t)})
	return len(out.Types) - 1
}

func figures[K comparable, V any](m map[K]V, hint, made, turned int) measured {
	f := truth.Read(m)
	growing, _ := truth.Growth(m)
	return measured{
		Key: typeOf[K](), Elem: typeOf[V](), Entries: len(m), Hint: hint, Turnovers: turned,
		Made: made, Bytes: f.StorageBytes + truth.HeaderBytes(), Indirect: f.IndirectBytes, Padding: f.PaddingBytes,
		Groups: f.Groups, Overflow: f.OverflowBuckets, Old: f.OldBucketsBytes, Growing: growing,
	}
}

// sink keeps the maps off the stack.
var sink any

func shape[K comparable, V any](key func(int) K) {
	var zero V
	for _, entries := range sizes {
		for _, hint := range []int{0, entries} {
			m := make(map[K]V, hint)
			sink = m
			made := truth.Read(m).StorageBytes + truth.HeaderBytes()
			for i := 0; i < entries; i++ {
				m[key(i)] = zero
			}
			out.Maps = append(out.Maps, figures(m, hint, made, 0))
			if hint == 0 && entries <= 5_000 {
				churn(m, key, entries, made)
			}
		}
	}
}

// churn replaces entries in an order that has nothing to do with that of their keys.
func churn[K comparable, V any](m map[K]V, key func(int) K, entries, made int) {
	var zero V
	live := make([]int, entries)
	for i := range live {
		live[i] = i
	}
	next, random := entries, uint32(1)
	most := figures(m, 0, made, turnovers)
	for turn := 0; turn < turnovers; turn++ {
		for range live {
			random = random*1664525 + 1013904223
			victim := int(uint64(random) * uint64(entries) >> 32)
			delete(m, key(live[victim]))
			live[victim] = next
			m[key(next)] = zero
			next++
		}
		if now := figures(m, 0, made, turnovers); now.Bytes > most.Bytes {
			most = now
		}
	}
	out.Maps = append(out.Maps, most)
}

type wide struct {
	a int
	b bool
}

type narrow struct {
	c int8
	d string
}

func main() {
	allStructs()
	number := func(i int) int { return i }
	text := func(i int) string { return fmt.Sprintf("key-%d", i) }
	pointers := make([]int, 100_000+1)
	shape[int, int](number)
	shape[int, *int](number)
	shape[int, struct{}](number)
	shape[int, [128]byte](number)
	shape[int, [129]byte](number)
	shape[int, [17]*int](number)
	shape[int64, bool](func(i int) int64 { return int64(i) })
	shape[uint32, uint8](func(i int) uint32 { return uint32(i) })
	shape[string, int](text)
	shape[string, bool](text)
	shape[string, string](text)
	shape[string, struct{}](text)
	shape[string, *narrow](text)
	// Legacy buckets of 192 bytes: the header of 17 takes the room of the 18th.
	shape[string, [3]uint16](text)
	shape[float64, time.Time](func(i int) float64 { return float64(i) })
	shape[any, int](func(i int) any { return i })
	shape[[2]string, any](func(i int) [2]string { return [2]string{1: text(i)} })
	shape[[16]byte, []byte](func(i int) (k [16]byte) { return [16]byte{byte(i), byte(i >> 8), byte(i >> 16)} })
	shape[[129]byte, int](func(i int) (k [129]byte) { return [129]byte{byte(i), byte(i >> 8), byte(i >> 16)} })
	shape[wide, narrow](func(i int) wide { return wide{a: i} })
	shape[*int, map[string]int](func(i int) *int { return &pointers[i%len(pointers)] })
	runtime.KeepAlive(kept)
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		panic(err)
	}
	fmt.Println("READY")
	var end [1]byte
	for {
		if n, err := os.Stdin.Read(end[:]); n == 0 && err != nil {
			return
		}
	}
}
