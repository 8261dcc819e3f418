// Command holders has a map in many unusual places, each with a number of entries of its own.
package main

import (
	"container/list"
	"context"
	"expvar"
	"fmt"
	"net/http"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"cases/say"
)

// Each map has a number of entries of its own, so that whoever looks can tell them apart.
func fill(n int) map[int]int {
	m := make(map[int]int)
	for i := 0; i < n; i++ {
		m[i] = i + 1
	}
	return m
}

type shard[K comparable, V any] struct {
	mu sync.RWMutex
	m  map[K]V
}
type sharded[K comparable, V any] struct{ shards [4]*shard[K, V] }

type gridT struct {
	cells map[int]int
	pad   [3]int
}
type byValue struct {
	a, b int
	m    map[int]int
}
type ring struct{ slots [2][3]gridT }
type svc struct{ index map[int]int }

func (s *svc) handle(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, len(s.index)) }

var (
	generic  = &sharded[int, int]{}
	grid     [4]gridT
	rings    = &ring{}
	boxed    any
	raw      unsafe.Pointer
	snapshot atomic.Pointer[map[int]int]
	cfg      atomic.Value
	lru      = list.New()
	ctx      context.Context
	mux      = http.NewServeMux()
	hook     func() int
	dyn      any
	once     = sync.OnceValue(func() map[int]int { return fill(1111) })
	vars     = expvar.NewMap("h2")
	jobs     = make(chan func(), 4)
	pool     = sync.Pool{New: func() any { return map[int]int{} }}
	twice    *map[int]int
	anys     = map[string]any{}
	pairs    [][2]any
)

type ctxKey struct{}

func main() {
	generic.shards[2] = &shard[int, int]{m: fill(1001)}
	grid[3].cells = fill(1002)
	rings.slots[1][2].cells = fill(1003)
	boxed = byValue{m: fill(1004)}
	m5 := fill(1005)
	raw = *(*unsafe.Pointer)(unsafe.Pointer(&m5))
	m6 := fill(1006)
	snapshot.Store(&m6)
	cfg.Store(byValue{m: fill(1007)})
	lru.PushBack(&svc{fill(1008)})
	ctx = context.WithValue(context.WithValue(context.Background(), ctxKey{}, fill(1009)), "k", 1)
	mux.HandleFunc("/h", (&svc{fill(1010)}).handle)
	m11 := fill(1011)
	hook = func() int { return len(m11) }
	mt := reflect.MakeMap(reflect.MapOf(reflect.TypeOf(uint16(0)), reflect.TypeOf([3]int8{})))
	for i := 0; i < 1012; i++ {
		mt.SetMapIndex(reflect.ValueOf(uint16(i)), reflect.ValueOf([3]int8{1}))
	}
	dyn = mt.Interface()
	once()
	vars.Set("f", expvar.Func(func() any { return len(m6) }))
	m13 := fill(1013)
	jobs <- func() { m13[0] = 1 }
	m14 := fill(1014)
	time.AfterFunc(time.Hour, func() { m14[0] = 1 })
	m15 := fill(1015)
	twice = &m15
	anys["a"] = map[string]any{"b": []any{1, fill(1016)}}
	pairs = append(pairs, [2]any{"x", fill(1017)})
	m18 := fill(1018)
	o := &gridT{}
	runtime.SetFinalizer(o, func(*gridT) { m18[0] = 1 })
	ready := make(chan bool)
	go func() { // only on this stack
		m19 := fill(1019)
		ready <- true
		select {
		case <-ctx.Done():
			m19[1] = 2
		case <-time.After(2 * time.Hour):
			fmt.Println(len(m19))
		}
	}()
	<-ready
	go func(ms ...map[int]int) { // variadic slice of maps in an argument
		ready <- true
		time.Sleep(2 * time.Hour)
		fmt.Println(len(ms[0]))
	}(fill(1020), fill(1021))
	<-ready
	var wg sync.WaitGroup
	wg.Add(1)
	m22 := fill(1022)
	go func() { defer func() { m22[0] = 3 }(); wg.Wait() }() // only a defer has it
	time.Sleep(200 * time.Millisecond)
	runtime.GC()
	pool.Put(fill(1023))
	say.Maps(1, 1001, "main.generic.shards[].m")
	say.Maps(1, 1002, "main.grid[].cells")
	say.Maps(1, 1003, "main.rings.slots[][].cells")
	say.Maps(1, 1004, "main.boxed.m")
	say.Maps(1, 1005, "main.raw")
	say.Maps(1, 1006, "main.snapshot")
	say.Maps(1, 1007, "main.cfg.m")
	say.Maps(1, 1008, "")
	say.Maps(1, 1009, "main.ctx.Context.val")
	say.Maps(1, 1010, "")
	say.Maps(1, 1011, "main.hook{m11}")
	say.Maps(1, 1012, "main.dyn")
	say.Maps(1, 1013, "main.jobs[]{m13}")
	say.Maps(1, 1014, "")
	say.Maps(1, 1015, "main.twice")
	say.Maps(1, 1016, "main.anys[][][]")
	say.Maps(1, 1017, "main.pairs[][]")
	say.Maps(1, 1018, "")
	say.Maps(1, 1019, "")
	say.Maps(1, 1020, "")
	say.Maps(1, 1021, "")
	say.Maps(1, 1022, "")
	say.Maps(1, 1023, "")
	say.Maps(1, 1111, "")
	say.Ready()
	runtime.KeepAlive(o)
	wg.Done()
}
