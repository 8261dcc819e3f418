package main

import (
	"context"
	"net"
	"runtime"
	"sync"
	"time"
)

// change is what a watcher is told.
type change struct {
	key     string
	payload []byte
}

// stream is one client that watches, as a server with gRPC has hundreds: they say nothing for hours, and nothing is wrong.
type stream struct {
	changes chan *change
	done    context.Context
	buffer  []byte
}

// hub has all streams, and can send to each of them at any time.
var hub struct {
	sync.Mutex
	streams []*stream
	closing chan struct{}
	wake    *sync.Cond
}

// watches is a server with 400 clients that watch: goroutines that wait for the network, for a context and a ticker, for a
// channel that the hub can send on, for a timer, for a condition. Something that lives can wake each of them.
func watches() {
	hub.closing = make(chan struct{})
	hub.wake = sync.NewCond(&hub)
	ctx, cancel := context.WithCancel(context.Background())
	var waiting sync.WaitGroup
	for i := 0; i < 400; i++ {
		s := &stream{make(chan *change, 4), ctx, make([]byte, 32<<10)}
		hub.streams = append(hub.streams, s)
		client, server := net.Pipe()
		waiting.Add(5)
		go s.send(server, &waiting)
		go s.receive(&waiting)
		go s.keepAlive(&waiting)
		go s.listen(&waiting)
		go connected(client, &waiting)
	}
	waiting.Add(100)
	overNetwork(100, &waiting)
	waiting.Wait()
	// The runtime notes since when they wait as it collects.
	runtime.GC()
	go func() {
		// Ends when somebody asks for it.
		<-hub.closing
		cancel()
		hub.wake.Broadcast()
	}()
}

// send waits for a change, for the end of the stream, or for the time of the next sign of life.
func (s *stream) send(c net.Conn, waiting *sync.WaitGroup) {
	alive := time.NewTicker(time.Hour)
	defer alive.Stop()
	waiting.Done()
	for {
		select {
		case next := <-s.changes:
			_, _ = c.Write(next.payload)
		case <-alive.C:
			_, _ = c.Write(s.buffer[:1])
		case <-s.done.Done():
			return
		}
	}
}

// receive waits for a change that the hub may send.
func (s *stream) receive(waiting *sync.WaitGroup) {
	waiting.Done()
	for range s.changes {
		s.buffer[0]++
	}
}

// keepAlive waits for a timer of its own.
func (s *stream) keepAlive(waiting *sync.WaitGroup) {
	waiting.Done()
	<-time.After(time.Hour)
}

// listen waits to be woken with all others.
func (s *stream) listen(waiting *sync.WaitGroup) {
	hub.Lock()
	waiting.Done()
	hub.wake.Wait()
	hub.Unlock()
}

// connected waits for what the other end of a pipe writes.
func connected(c net.Conn, waiting *sync.WaitGroup) {
	waiting.Done()
	_, _ = c.Read(make([]byte, 1))
}

// overNetwork has n connections of a real network, each with a goroutine that waits in the runtime's poller.
func overNetwork(n int, waiting *sync.WaitGroup) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	for i := 0; i < n; i++ {
		client, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			panic(err)
		}
		server, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		kept = append(kept, server)
		go connected(client, waiting)
	}
}

// The other ends of the connections.
var kept []net.Conn
