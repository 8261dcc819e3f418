// Command timers has sessions that only timers hold, and tickers that have nothing to do with them.
package main

import (
	"fmt"
	"runtime"
	"time"

	"cases/say"
)

type Janitor struct{ a, b *time.Ticker }

var janitor *Janitor

type Session struct{ attrs map[string]int }

func (s *Session) expire() { s.attrs = nil }

func start(n int) {
	for i := 0; i < n; i++ {
		s := &Session{attrs: map[string]int{}}
		for j := 0; j < 20; j++ {
			s.attrs[fmt.Sprint(j)] = j
		}
		time.AfterFunc(time.Hour, s.expire) // only its timer holds the session
	}
}

func main() {
	janitor = &Janitor{time.NewTicker(7 * time.Millisecond), time.NewTicker(11 * time.Millisecond)}
	go func() {
		for range janitor.a.C {
		}
	}()
	go func() {
		for range janitor.b.C {
		}
	}()
	for i := 0; i < 4; i++ {
		go start(500)
	}
	time.Sleep(100 * time.Millisecond)
	runtime.GC()
	say.Maps(2000, 20, "")
	say.Ready()
}
