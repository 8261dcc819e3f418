package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
)

// Caddy serves files, compresses them, and passes requests on to a server of ours.
var caddy = program{
	start: func(r *run) (*exec.Cmd, error) {
		go func() {
			_ = http.ListenAndServe(r.addr(1), http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
				fmt.Fprint(w, strings.Repeat(request.URL.Path+"\n", 50))
			}))
		}()
		for i := 0; i < 50; i++ {
			r.write(fmt.Sprintf("site/%d.html", i), strings.Repeat("<p>some text of a page</p>\n", 40*(i+1)))
		}
		config := r.write("Caddyfile", fmt.Sprintf(`{
	admin %s
	auto_https off
	persist_config off
}
http://%s {
	root * %s/site
	encode gzip zstd
	log {
		output discard
	}
	handle /api/* {
		reverse_proxy %s
	}
	file_server
}
`, r.addr(2), r.addr(0), r.dir, r.addr(1)))
		return r.command("run", "--config", config, "--adapter", "caddyfile"), nil
	},
	ready: func(r *run) error {
		_, err := get("http://" + r.addr(0) + "/0.html")
		return err
	},
	workers: 16,
	work: func(r *run, worker int) error {
		for i := 0; i < 1500; i++ {
			if err := visit(r, worker*1500+i); err != nil {
				return err
			}
		}
		return nil
	},
	goOn: visit,
}

func visit(r *run, i int) error {
	r.done.Add(1)
	path := fmt.Sprintf("/%d.html", i%50)
	if i%3 == 0 {
		path = fmt.Sprintf("/api/%d", i)
	}
	request, err := http.NewRequest("GET", "http://"+r.addr(0)+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept-Encoding", []string{"gzip", "zstd", "identity"}[i%3])
	// Some connections are not used again.
	request.Close = i%20 == 0
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	_, err = body(response)
	return err
}
