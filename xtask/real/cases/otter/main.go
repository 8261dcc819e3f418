// Command otter fills maps of other libraries: otter, cornelk/hashmap, hashicorp/golang-lru.
package main

import (
	"fmt"
	"runtime"
	"time"

	"cases/say"

	"github.com/cornelk/hashmap"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/maypok86/otter"
)

type page struct{ html [900]byte }

type site struct {
	cache  otter.Cache[string, *page]
	index  *hashmap.Map[string, *page]
	recent *lru.Cache[string, *page]
}

var web = &site{}

func main() {
	c, err := otter.MustBuilder[string, *page](50_000).Build()
	if err != nil {
		panic(err)
	}
	web.cache = c
	web.index = hashmap.New[string, *page]()
	web.recent, _ = lru.New[string, *page](5000)
	for i := 0; i < 20_000; i++ {
		k := fmt.Sprintf("/page/%08d", i)
		web.cache.Set(k, &page{})
		if i < 4000 {
			web.index.Set(k, &page{})
		}
		web.recent.Add(k, &page{})
	}
	time.Sleep(300 * time.Millisecond)
	runtime.GC()
	say.Maps(1, web.recent.Len(), "main.web.recent.lru.items")
	say.Ready()
	runtime.KeepAlive(web)
}
