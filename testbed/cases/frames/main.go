// Command frames has small maps whose groups fit several types, and allocates a struct that has numbers and a pointer where
// the header of such a map has its own.
package main

import (
	"runtime"
	"strconv"

	"cases/say"
)

// Groups of it look like those of a map[string]string.
type headers map[string]string

// As in quic-go.
type frame struct {
	stream, offset           uint64
	data                     []byte
	last, withLength, pooled bool
}

var (
	labels [300]map[string]string
	fields [40]headers
	sent   *frame
)

//go:noinline
func send(n int) *frame {
	return &frame{stream: uint64(n), data: make([]byte, n)}
}

func main() {
	for i := range labels {
		labels[i] = map[string]string{}
		for j := 0; j < 3; j++ {
			labels[i]["key"+strconv.Itoa(j)] = strconv.Itoa(i * 1000)
		}
	}
	for i := range fields {
		fields[i] = headers{}
		for j := 0; j < 5; j++ {
			fields[i]["field"+strconv.Itoa(j)] = strconv.Itoa(i * 1000)
		}
	}
	sent = send(100)
	say.Maps(300, 3, "main.labels[]")
	say.Maps(40, 5, "main.fields[]")
	say.Ready()
	runtime.KeepAlive(&labels)
}
