// Command healthy is eleven programs in which nothing is wrong, by name. Each has done some work when it says READY, and the
// busy ones go on. A reader must find nothing urgent in any of them.
package main

import (
	"fmt"
	"os"
)

// Each mode makes its data, works for a while, and returns; what is to go on goes on in goroutines.
var modes = map[string]func(){
	"web":     web,
	"json":    jsonWorker,
	"cache":   boundedCache,
	"workers": workers,
	"pool":    pooled,
	"timers":  timers,
	"config":  config,
	"logs":    logs,
	"index":   index,
	"cli":     cli,
	"watches": watches,
}

func main() {
	if len(os.Args) != 2 || modes[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: healthy MODE")
		os.Exit(2)
	}
	modes[os.Args[1]]()
	fmt.Printf("{}\nREADY\n")
	// Ends with its standard input.
	_, _ = os.Stdin.Read(make([]byte, 1))
}
