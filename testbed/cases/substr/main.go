// Command substr keeps parts of large texts, in fields and as keys.
package main

import (
	"fmt"
	"runtime"
	"strings"
	"unique"

	"cases/say"
)

type finding struct {
	rule   unique.Handle[string]
	secret string // part of the fragment
	line   string // part of the fragment
}
type report struct{ findings []finding }

var result = &report{}
var byFile = map[string][]finding{}

//go:noinline
func fragment(i int) string {
	var b strings.Builder
	b.Grow(100 << 10)
	for b.Len() < 100<<10-64 {
		fmt.Fprintf(&b, "file %d key=AKIA%08d;\n", i, b.Len())
	}
	return b.String()
}

func main() {
	n := 300
	for i := 0; i < n; i++ {
		raw := fragment(i)
		f := finding{rule: unique.Make("aws"), secret: raw[5000:5020], line: raw[4990:5040]}
		result.findings = append(result.findings, f)
		name := raw[10:24] // the key is a part of another fragment, too
		byFile[name] = append(byFile[name], f)
	}
	runtime.GC()
	runtime.GC()
	say.Maps(1, len(byFile), "main.byFile")
	say.Ready()
	runtime.KeepAlive(result)
}
