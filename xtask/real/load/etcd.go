package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
)

// etcd by its gateway for HTTP: keys that are written over and over, watchers, leases.
var etcd = program{
	start: func(r *run) (*exec.Cmd, error) {
		clients, peers := "http://"+r.addr(0), "http://"+r.addr(1)
		return r.command("--data-dir", "data", "--log-level", "error", "--unsafe-no-fsync",
			"--listen-client-urls", clients, "--advertise-client-urls", clients,
			"--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers,
			"--initial-cluster", "default="+peers), nil
	},
	ready: func(r *run) error {
		_, err := post("http://"+r.addr(0)+"/v3/maintenance/status", map[string]any{})
		return err
	},
	workers: 8,
	work: func(r *run, worker int) error {
		for i := 0; i < 25; i++ {
			if err := watch(r, worker*25+i); err != nil {
				return err
			}
			lease := map[string]any{"TTL": 600}
			if _, err := post("http://"+r.addr(0)+"/v3/lease/grant", lease); err != nil {
				return err
			}
		}
		for i := 0; i < 3000; i++ {
			if err := put(r, worker*3000+i); err != nil {
				return err
			}
		}
		return nil
	},
	goOn: put,
}

func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func put(r *run, i int) error {
	r.done.Add(1)
	key, value := fmt.Sprintf("/registry/pods/%05d", i%4000), strings.Repeat(fmt.Sprint(i, " "), 40)
	_, err := post("http://"+r.addr(0)+"/v3/kv/put", map[string]any{"key": encode(key), "value": encode(value)})
	return err
}

// watch opens a stream that stays open.
func watch(r *run, i int) error {
	text := fmt.Sprintf(`{"create_request":{"key":%q}}`, encode(fmt.Sprintf("/registry/pods/%05d", i)))
	request, err := http.NewRequestWithContext(r.ctx, "POST", "http://"+r.addr(0)+"/v3/watch", strings.NewReader(text))
	if err != nil {
		return err
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return err
	}
	go func() {
		defer response.Body.Close()
		for buffer := make([]byte, 4096); err == nil; {
			_, err = response.Body.Read(buffer)
		}
	}()
	return nil
}
