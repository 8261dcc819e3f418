package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

type user struct {
	ID    int64             `json:"id"`
	Name  string            `json:"name"`
	Roles []string          `json:"roles"`
	Attrs map[string]string `json:"attrs"`
}

var users struct {
	sync.RWMutex
	byID map[int64]*user
}

// web is a server under load: clients read and write users, over loopback.
func web() {
	users.byID = map[int64]*user{}
	for i := int64(0); i < 20_000; i++ {
		users.byID[i] = &user{ID: i, Name: fmt.Sprintf("user-with-a-name-%d", i), Roles: []string{"reader"}}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/user", func(w http.ResponseWriter, r *http.Request) {
		var id int64
		_, _ = fmt.Sscan(r.URL.Query().Get("id"), &id)
		users.Lock()
		u := users.byID[id]
		users.byID[id] = &user{ID: id, Name: u.Name, Roles: u.Roles}
		users.Unlock()
		_ = json.NewEncoder(w).Encode(u)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	var done atomic.Int64
	enough := make(chan bool)
	for c := 0; c < 8; c++ {
		go func(c int) {
			for i := 0; ; i++ {
				answer, err := http.Get(fmt.Sprintf("http://%s/user?id=%d", listener.Addr(), (i*8+c)%20_000))
				if err != nil {
					panic(err)
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
				if done.Add(1) == 2000 {
					close(enough)
				}
			}
		}(c)
	}
	<-enough
}

var decoded []user

// jsonWorker decodes and encodes documents, one batch after the other.
func jsonWorker() {
	var batch []user
	for i := int64(0); i < 500; i++ {
		batch = append(batch, user{ID: i, Name: fmt.Sprint("somebody ", i), Attrs: map[string]string{"lang": "en"}})
	}
	work := func() {
		text, _ := json.Marshal(batch)
		var back []user
		if err := json.Unmarshal(text, &back); err != nil {
			panic(err)
		}
		decoded = back
	}
	for i := 0; i < 50; i++ {
		work()
	}
	go func() {
		for {
			work()
		}
	}()
}

type job struct {
	id      int
	payload []byte
}

var results sync.Map

// workers are a pool of goroutines that wait for jobs.
func workers() {
	jobs := make(chan job, 64)
	var pending sync.WaitGroup
	for i := 0; i < 100; i++ {
		go func() {
			for j := range jobs {
				results.Store(j.id%1000, len(j.payload))
				pending.Done()
			}
		}()
	}
	for i := 0; i < 20_000; i++ {
		pending.Add(1)
		jobs <- job{i, make([]byte, 256)}
	}
	pending.Wait()
	go func() {
		// Whoever waits may still get something to do.
		for range time.Tick(time.Hour) {
			jobs <- job{}
		}
	}()
}

var scratch = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// pooled uses buffers from a pool, and puts back what is small.
func pooled() {
	var pending sync.WaitGroup
	for g := 0; g < 8; g++ {
		pending.Add(1)
		go func() {
			defer pending.Done()
			for i := 0; i < 2000; i++ {
				buf := scratch.Get().(*bytes.Buffer)
				buf.Reset()
				for buf.Len() < 100+i%16_000 {
					buf.WriteString("a line of output\n")
				}
				if buf.Cap() <= 64<<10 {
					scratch.Put(buf)
				}
			}
		}()
	}
	pending.Wait()
}

// timers has deadlines, tickers and callbacks, and stops what it does not need.
func timers() {
	for i := 0; i < 500; i++ {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		if i%2 == 0 {
			cancel()
		} else {
			go func() { <-ctx.Done(); cancel() }()
		}
		time.AfterFunc(time.Hour, func() {}).Stop()
	}
	for i := 0; i < 20; i++ {
		ticker := time.NewTicker(time.Hour)
		go func() {
			for range ticker.C {
			}
		}()
	}
}
