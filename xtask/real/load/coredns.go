package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"time"
)

// CoreDNS answers names from a file and from a template, through its cache.
var coredns = program{
	start: func(r *run) (*exec.Cmd, error) {
		var hosts strings.Builder
		for i := 0; i < 20_000; i++ {
			fmt.Fprintf(&hosts, "10.%d.%d.%d host-%d.load.test\n", i>>16, i>>8&255, i&255, i)
		}
		list := r.write("hosts", hosts.String())
		config := r.write("Corefile", fmt.Sprintf(`.:%d {
	bind 127.0.0.1
	errors
	prometheus %s
	cache 3600
	hosts %s load.test {
		fallthrough
	}
	template IN A made.test {
		answer "{{ .Name }} 600 IN A 10.1.2.3"
	}
}
`, r.ports[0], r.addr(1), list))
		return r.command("-conf", config, "-quiet"), nil
	},
	ready:   func(r *run) error { return resolve(r, 0) },
	workers: 8,
	work: func(r *run, worker int) error {
		connection, err := net.Dial("udp4", r.addr(0))
		if err != nil {
			return err
		}
		defer connection.Close()
		for i := 0; i < 5000; i++ {
			if err := ask(r, connection, worker*5000+i); err != nil {
				return err
			}
		}
		return nil
	},
	goOn: resolve,
}

func resolve(r *run, i int) error {
	connection, err := net.Dial("udp4", r.addr(0))
	if err != nil {
		return err
	}
	defer connection.Close()
	return ask(r, connection, i)
}

func ask(r *run, connection net.Conn, i int) error {
	r.done.Add(1)
	name := fmt.Sprintf("host-%d.load.test", i%20_000)
	if i%2 == 0 {
		name = fmt.Sprintf("name-%d.made.test", i)
	}
	packet := binary.BigEndian.AppendUint16(nil, uint16(i))
	packet = append(packet, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)
	for _, label := range strings.Split(name, ".") {
		packet = append(append(packet, byte(len(label))), label...)
	}
	packet = append(packet, 0, 0, 1, 0, 1)
	if _, err := connection.Write(packet); err != nil {
		return err
	}
	_ = connection.SetReadDeadline(time.Now().Add(5 * time.Second))
	answer := make([]byte, 1500)
	n, err := connection.Read(answer)
	if err == nil && n >= 4 && answer[3]&15 != 0 {
		err = fmt.Errorf("%s: code %d", name, answer[3]&15)
	}
	return err
}
