// Command bigcache fills a bigcache and deletes nearly all of it: its byte slabs stay.
package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"cases/say"

	"github.com/allegro/bigcache/v3"
)

var pages *bigcache.BigCache

func main() {
	cfg := bigcache.DefaultConfig(10 * time.Minute)
	cfg.Shards = 64
	cfg.MaxEntriesInWindow = 10_000
	cfg.MaxEntrySize = 100
	cfg.Verbose = false
	cfg.HardMaxCacheSize = 0
	var err error
	pages, err = bigcache.New(context.Background(), cfg)
	if err != nil {
		panic(err)
	}
	val := make([]byte, 2000)
	n := 50_000
	for i := 0; i < n; i++ {
		pages.Set(fmt.Sprintf("page-%d", i), val)
	}
	grown := pages.Capacity()
	for i := 100; i < n; i++ {
		pages.Delete(fmt.Sprintf("page-%d", i))
	}
	runtime.GC()
	say.Ready()
	runtime.KeepAlive(pages)
}
