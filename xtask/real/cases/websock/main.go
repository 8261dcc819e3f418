// Command websock keeps closed websockets in its hub, with their buffers and writers.
package main

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"time"

	"cases/say"

	"github.com/gorilla/websocket"
)

type hub struct {
	mu    sync.Mutex
	conns map[*websocket.Conn]*client
}
type client struct {
	c    *websocket.Conn
	send chan []byte
}

var h = &hub{conns: map[*websocket.Conn]*client{}}
var up = websocket.Upgrader{ReadBufferSize: 16 << 10, WriteBufferSize: 16 << 10}

func serve(w http.ResponseWriter, r *http.Request) {
	c, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	cl := &client{c, make(chan []byte, 256)}
	h.mu.Lock()
	h.conns[c] = cl
	h.mu.Unlock()
	go func() { // one to write
		for m := range cl.send {
			c.WriteMessage(websocket.TextMessage, m)
		}
	}()
	for {
		if _, _, err := c.ReadMessage(); err != nil {
			c.Close() // but it stays in h.conns, and its writer waits
			return
		}
	}
}

func main() {
	srv := httptest.NewServer(http.HandlerFunc(serve))
	url := "ws" + strings.TrimPrefix(srv.URL, "http")
	for i := 0; i < 400; i++ {
		c, _, err := websocket.DefaultDialer.Dial(url, nil)
		if err != nil {
			panic(err)
		}
		c.Close() // the client goes at once
	}
	time.Sleep(time.Second)
	runtime.GC()
	say.Maps(1, len(h.conns), "main.h.conns")
	say.Ready()
}
