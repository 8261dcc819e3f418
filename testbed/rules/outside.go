package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
)

// What somebody was to give back, and what is no heap, is in these variables.
var (
	scheduler struct {
		root context.Context
		stop func()
	}
	contexts []context.Context
	scratch  sync.Pool
	mapped   []byte
	parts    struct {
		byLine map[string]int
		found  []piece
	}
)

type piece struct{ secret, line string }

type candidate struct{ nodes [900]byte }

// derive makes n contexts, and cancels none; those that are kept are in use.
func derive(n int, keep bool) func() {
	return func() {
		scheduler.root, scheduler.stop = context.WithCancel(context.Background())
		for i := 0; i < n; i++ {
			ctx, cancel := context.WithCancel(context.WithValue(scheduler.root, i, &candidate{}))
			_ = cancel
			if keep {
				contexts = append(contexts, ctx)
			}
		}
	}
}

// poolMaps puts maps back that were large once.
func poolMaps(entries int) func() {
	return func() {
		for i := 0; i < 16; i++ {
			m := make(map[int]int, entries)
			for k := 0; k < entries; k++ {
				m[k] = k
			}
			clear(m)
			scratch.Put(m)
		}
	}
}

// burst needs so many MiB for a moment.
func burst(mib int) func() {
	return func() {
		var all [][]byte
		for i := 0; i < mib; i++ {
			all = append(all, bytes.Repeat([]byte{1}, 1<<20))
		}
		ballast = all[0]
	}
}

// mapFile maps a file of so many MiB and looks at all of it.
func mapFile(mib int) func() {
	return func() {
		f, err := os.CreateTemp("", "mapscope-testbed-*.db")
		if err != nil {
			panic(err)
		}
		defer os.Remove(f.Name())
		if _, err := f.Write(bytes.Repeat([]byte{1}, mib<<20)); err != nil {
			panic(err)
		}
		debug.FreeOSMemory()
		if mapped, err = syscall.Mmap(int(f.Fd()), 0, mib<<20, syscall.PROT_READ, syscall.MAP_SHARED); err != nil {
			panic(err)
		}
		built = "file " + f.Name()
		touch()
	}
}

// mapMemory maps so many MiB that are nobody's.
func mapMemory(mib int) func() {
	return func() {
		var err error
		protection, flags := syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE
		if mapped, err = syscall.Mmap(-1, 0, mib<<20, protection, flags); err != nil {
			panic(err)
		}
		for i := 0; i < len(mapped); i += 4096 {
			mapped[i] = 1
		}
	}
}

func touch() {
	sum := 0
	for i := 0; i < len(mapped); i += 4096 {
		sum += int(mapped[i])
	}
	sink = []byte{byte(sum)}
}

// cutTwice keeps parts of texts at three places.
func cutTwice() {
	parts.byLine = map[string]int{}
	for i := 0; i < 1000; i++ {
		text := fmt.Sprintf("%08d", i) + strings.Repeat("x", 4096)
		parts.found = append(parts.found, piece{secret: text[100:120], line: text[90:140]})
		parts.byLine[text[:8]] = i
	}
}

func init() {
	scenarios["gh013"] = scenario{"GH013", "main.scheduler.root.children", derive(20_000, false), func() {
		scheduler.stop()
		scheduler.root = nil
		// The list that does not shrink goes with it.
	}, live}
	near("gh013-near", "GH013", derive(20_000, true))

	scenarios["gh011-maps"] = scenario{"GH011", "main.scratch", poolMaps(20_000), func() {}, uncollected}

	scenarios["gh014"] = scenario{"GH014", "free spans", burst(400), debug.FreeOSMemory, resident}
	near("gh014-near", "GH014", burst(40))

	// What is promised is nothing.
	scenarios["gh015"] = scenario{"GH015", "a file", mapFile(64), nil, live}
	near("gh015-near", "GH015", mapFile(20))
	scenarios["gh015-anonymous"] = scenario{"GH015", "anonymous memory (malloc of C, mmap)", mapMemory(64), nil, live}

	scenarios["gh002-places"] = scenario{"GH002", "main.piece.line", cutTwice, func() {
		fresh := make(map[string]int, len(parts.byLine))
		for line, i := range parts.byLine {
			fresh[strings.Clone(line)] = i
		}
		parts.byLine = fresh
		for i := range parts.found {
			p := &parts.found[i]
			p.secret, p.line = strings.Clone(p.secret), strings.Clone(p.line)
		}
	}, live}
}
