package main

import (
	"bufio"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// nats-server with clients that stay, subscriptions of many subjects, and a stream on disk.
var nats = program{
	start: func(r *run) (*exec.Cmd, error) {
		r.state = new(natsClients)
		return r.command("-a", "127.0.0.1", "-p", fmt.Sprint(r.ports[0]), "-js", "-sd", "data", "-l", "log"), nil
	},
	ready: func(r *run) error {
		c, err := dialNats(r)
		if err != nil {
			return err
		}
		defer c.Close()
		return c.send("PING\r\n")
	},
	workers: 4,
	work: func(r *run, worker int) error {
		if worker == 0 {
			if err := makeStream(r); err != nil {
				return err
			}
		}
		for i := 0; i < 50; i++ {
			c, err := dialNats(r)
			if err != nil {
				return err
			}
			r.state.(*natsClients).add(c)
			var text strings.Builder
			for s := 0; s < 40; s++ {
				fmt.Fprintf(&text, "SUB orders.%d.*.%d %d\r\n", worker*50+i, s, s)
			}
			if err := c.send(text.String()); err != nil {
				return err
			}
		}
		for i := 0; i < 1000; i++ {
			if err := publish(r, worker*1000+i); err != nil {
				return err
			}
		}
		return nil
	},
	goOn: publish,
}

// The clients that stay; the first publishes.
type natsClients struct {
	sync.Mutex
	all []*natsClient
}

func (s *natsClients) add(c *natsClient) {
	s.Lock()
	defer s.Unlock()
	s.all = append(s.all, c)
}

func (s *natsClients) get(i int) *natsClient {
	s.Lock()
	defer s.Unlock()
	return s.all[i%len(s.all)]
}

type natsClient struct {
	sync.Mutex
	net.Conn
}

func dialNats(r *run) (*natsClient, error) {
	connection, err := net.Dial("tcp4", r.addr(0))
	if err != nil {
		return nil, err
	}
	c := &natsClient{Conn: connection}
	lines := bufio.NewReader(connection)
	if _, err := lines.ReadString('\n'); err != nil {
		return nil, err
	}
	if err := c.send("CONNECT {\"verbose\":false}\r\n"); err != nil {
		return nil, err
	}
	// Its pings have to be answered; what it delivers is read and dropped.
	go func() {
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if strings.HasPrefix(line, "PING") {
				_ = c.send("PONG\r\n")
			}
		}
	}()
	return c, nil
}

func (c *natsClient) send(text string) error {
	c.Lock()
	defer c.Unlock()
	_ = c.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, err := c.Write([]byte(text))
	return err
}

func pub(subject, reply, payload string) string {
	return fmt.Sprintf("PUB %s %s %d\r\n%s\r\n", subject, reply, len(payload), payload)
}

func makeStream(r *run) error {
	c, err := dialNats(r)
	if err != nil {
		return err
	}
	r.state.(*natsClients).add(c)
	config := `{"name":"EVENTS","subjects":["events.>"],"storage":"file","retention":"limits","max_msgs":-1,"max_bytes":-1,"max_age":0,"discard":"old","num_replicas":1}`
	return c.send("SUB answers 1\r\n" + pub("$JS.API.STREAM.CREATE.EVENTS", "answers", config))
}

func publish(r *run, i int) error {
	r.done.Add(1)
	payload := strings.Repeat(fmt.Sprint(i, " "), 20)
	text := pub(fmt.Sprintf("orders.%d.x.%d", i%200, i%40), "", payload)
	if i%2 == 0 {
		text = pub(fmt.Sprintf("events.%d.%d", i%50, i), "", payload)
	}
	return r.state.(*natsClients).get(i).send(text)
}
