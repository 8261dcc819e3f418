// Command deferloop defers in a loop that never ends.
package main

import (
	"bytes"
	"compress/flate"
	"fmt"
	"runtime"

	"cases/say"
)

type upload struct {
	w    *flate.Writer
	name string
}

func consume(batch int, done chan<- bool, hold <-chan bool) {
	for i := 0; i < batch; i++ {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, flate.BestSpeed)
		u := &upload{w, fmt.Sprintf("part-%d", i)}
		defer func() { u.w.Close() }()
		u.w.Write([]byte("hello"))
	}
	done <- true
	<-hold // a long-running loop: it never returns
}

func main() {
	done, hold := make(chan bool), make(chan bool)
	go consume(60, done, hold)
	<-done
	runtime.GC()
	say.Ready()
	hold <- true
}
