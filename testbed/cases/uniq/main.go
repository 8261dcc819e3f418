// Command uniq interns labels in package unique.
package main

import (
	"fmt"
	"runtime"
	"unique"

	"cases/say"
)

type label struct{ k, v string }
type series struct{ labels []unique.Handle[label] }

var db = struct{ series []*series }{}

func main() {
	n := 30_000
	for i := 0; i < n; i++ {
		s := &series{}
		for j := 0; j < 3; j++ {
			s.labels = append(s.labels, unique.Make(label{fmt.Sprintf("key-%d", j), fmt.Sprintf("a-rather-long-value-%d", i*(j+1)%20000)}))
		}
		db.series = append(db.series, s)
	}
	runtime.GC()
	runtime.GC()
	say.Ready()
	runtime.KeepAlive(db)
}
