//go:build go1.24

package main

import (
	"iter"
	"runtime"
	"weak"
)

// What weak pointers and coroutines must show is in these variables.
var (
	images struct{ byID map[int]weak.Pointer[image] }
	hot    []*image
	pulled []func() (int, bool)
	wrong  map[int]weak.Pointer[image]
)

type image struct{ pixels [1000]byte }

// load makes n entries, and keeps every `of`th image.
func load(n, of int) func() {
	return func() {
		images.byID = map[int]weak.Pointer[image]{}
		for i := 0; i < n; i++ {
			p := new(image)
			images.byID[i] = weak.Make(p)
			if i%of == 0 {
				hot = append(hot, p)
			}
		}
	}
}

// pull starts n iterators, and has the first of what each gives; stop is never called.
func pull(n int, keep bool) func() {
	return func() {
		for i := 0; i < n; i++ {
			pullOnce(keep)
		}
	}
}

//go:noinline
func pullOnce(keep bool) {
	next, _ := iter.Pull(numbers)
	next()
	if keep {
		pulled = append(pulled, next)
	}
}

func numbers(yield func(int) bool) {
	buf := make([]byte, 4000)
	for i := 0; yield(i + len(buf)); i++ {
	}
	runtime.KeepAlive(buf)
}

func init() {
	scenarios["gm016"] = scenario{"GM016", "main.images.byID", load(100_000, 500), func() {
		wrong = make(map[int]weak.Pointer[image], len(hot))
		for id, p := range images.byID {
			if p.Value() != nil {
				wrong[id] = p
			}
		}
		images.byID = nil
	}, live}
	near("gm016-near", "GM016", load(20_000, 1))

	scenarios["gh005-pull"] = scenario{"GH005", "main.numbers", pull(2000, false), nil, stacks}
	near("gh005-pull-near", "GH005", pull(2000, true))
}
