package main

import (
	"fmt"
	"sort"
	"sync"
	"time"
)

// Records that one request reads and changes, and the rest between two requests.
const (
	touched = 64
	rest    = 500 * time.Microsecond
)

var answers struct {
	sync.Mutex
	took []time.Duration
}

// serve answers one request after the other, each about records all over the memory, and notes how long it took.
func serve() {
	at, records := 1, len(kept)
	for {
		start := time.Now()
		for i := 0; i < touched; i++ {
			// A step that shares no factor with the number of records but by chance, and never in order.
			at = (at*1_103_515_245 + 12_345) & (1<<31 - 1)
			r := kept[at%records]
			r.data[at%len(r.data)]++
		}
		took := time.Since(start)
		answers.Lock()
		answers.took = append(answers.took, took)
		answers.Unlock()
		time.Sleep(rest)
	}
}

// latencies says how long the requests since the last answer took.
func latencies() string {
	answers.Lock()
	took := answers.took
	answers.took = nil
	answers.Unlock()
	if len(took) == 0 {
		return `{"requests":0}`
	}
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	at := func(share float64) int64 { return took[int(share*float64(len(took)-1))].Microseconds() }
	return fmt.Sprintf(`{"requests":%d,"median_us":%d,"p99_us":%d,"longest_us":%d}`, len(took), at(0.5), at(0.99), at(1))
}
