// Command rules builds, by name, a case that a rule must find, or one that comes near and is in order.
//
//	rules gm001        prints what must be found, and READY; a line on standard input makes it follow the advice, and it
//	                   prints by how many bytes the live heap fell
//	rules gm001-near   the rule must not fire
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"testbed/truth"
)

// What is measured before and after.
type measure int

const (
	live        measure = iota // HeapAlloc after two collections
	uncollected                // HeapAlloc, before without a collection
	inUse                      // HeapInuse
	stacks                     // HeapAlloc and StackInuse
	resident                   // what is resident of the process
)

// A scenario: what must be found, how to make it, and how to follow the advice.
type scenario struct {
	rule    string
	subject string // of the finding; empty when the rule must not fire
	build   func()
	apply   func() // nothing where what is promised is not measured
	measure measure
}

var scenarios = map[string]scenario{}

// The subject, where only building the case tells.
var built string

func main() {
	if len(os.Args) != 2 || scenarios[os.Args[1]].build == nil {
		fmt.Fprintln(os.Stderr, "usage: rules CASE; the cases are:")
		for name := range scenarios {
			fmt.Fprintln(os.Stderr, " ", name)
		}
		os.Exit(2)
	}
	s := scenarios[os.Args[1]]
	debug.SetGCPercent(-1)
	runtime.GC()
	s.build()
	if s.subject != "" && built != "" {
		s.subject = built
	}
	if s.measure != uncollected {
		collect()
	}
	before := s.measure.read()
	said, _ := json.Marshal(map[string]any{"rule": s.rule, "subject": s.subject, "impl": truth.Impl})
	fmt.Printf("%s\nREADY\n", said)
	input := bufio.NewReader(os.Stdin)
	if _, err := input.ReadString('\n'); err != nil {
		return
	}
	if s.apply == nil {
		fmt.Println("{\"freed\":null}")
		_, _ = input.ReadString('\n')
		return
	}
	s.apply()
	collect()
	fmt.Printf("{\"freed\":%d}\n", int64(before)-int64(s.measure.read()))
	_, _ = input.ReadString('\n')
}

func collect() {
	runtime.GC()
	runtime.GC()
}

func (m measure) read() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	switch m {
	case resident:
		return pages()
	case inUse:
		return stats.HeapInuse
	case stacks:
		return stats.HeapAlloc + stats.StackInuse
	}
	return stats.HeapAlloc
}

// pages says how many bytes are resident.
func pages() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	var size, resident uint64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		panic(err)
	}
	return resident * 4096
}

// near registers a case that comes near: the same rule, no subject.
func near(name, rule string, build func()) {
	scenarios[name] = scenario{rule: rule, build: build, apply: func() {}}
}
