// Command spawner begins all of its goroutines with one function literal, which calls what it is given.
package main

import (
	"runtime"
	"sync"

	"cases/say"
)

type server struct {
	running sync.WaitGroup
	ready   chan bool
	end     chan bool
}

// As in nats-server and etcd.
func (s *server) start(f func()) {
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		f()
	}()
}

func (s *server) wait() {
	s.ready <- true
	<-s.end
}

//go:noinline
func (s *server) read() {
	seen := make([]byte, 4<<20)
	s.wait()
	runtime.KeepAlive(seen)
}

//go:noinline
func (s *server) sweep() {
	swept := make([]byte, 1<<20)
	s.wait()
	runtime.KeepAlive(swept)
}

func main() {
	s := &server{ready: make(chan bool), end: make(chan bool)}
	s.start(s.read)
	s.start(s.sweep)
	<-s.ready
	<-s.ready
	say.Ready()
	close(s.end)
	s.running.Wait()
}
