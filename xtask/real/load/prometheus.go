package main

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	families = 150
	series   = 200
)

// Prometheus scrapes itself and an exporter with many series each second, and is asked about them.
var prometheus = program{
	start: func(r *run) (*exec.Cmd, error) {
		var scrapes atomic.Int64
		go func() {
			_ = http.ListenAndServe(r.addr(1), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				export(w, scrapes.Add(1))
			}))
		}()
		config := r.write("prometheus.yml", fmt.Sprintf(`global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
- {job_name: own, static_configs: [{targets: ['%s']}]}
- {job_name: exporter, static_configs: [{targets: ['%s']}]}
`, r.addr(0), r.addr(1)))
		r.write("rules.yml", `groups:
- name: load
  rules:
  - {record: 'job:load:sum', expr: 'sum by (job) (rate(load_family_001[10s]))'}
  - {alert: Many, expr: 'load_family_002 > 5', for: 10s}
`)
		return r.command("--config.file="+config, "--storage.tsdb.path=data", "--log.level=error",
			"--web.listen-address="+r.addr(0)), nil
	},
	ready: func(r *run) error {
		_, err := get("http://" + r.addr(0) + "/-/ready")
		return err
	},
	workers: 4,
	work: func(r *run, worker int) error {
		for begun, i := time.Now(), 0; time.Since(begun) < 12*time.Second; i++ {
			if err := query(r, worker+4*i); err != nil {
				return err
			}
			time.Sleep(5 * time.Millisecond)
		}
		return nil
	},
	goOn: query,
}

func export(w http.ResponseWriter, scrape int64) {
	out := bufio.NewWriter(w)
	defer out.Flush()
	for family := 0; family < families; family++ {
		name := fmt.Sprintf("load_family_%03d", family)
		fmt.Fprintf(out, "# TYPE %s counter\n", name)
		for i := 0; i < series; i++ {
			// A few series are new with each scrape.
			pod := strconv.Itoa(i)
			if i < 2 {
				pod = strconv.FormatInt(scrape*int64(i+1), 10)
			}
			fmt.Fprintf(out, "%s{instance_id=\"i-%04d\",pod=%q,zone=\"z%d\"} %d\n", name, i, pod, i%5, scrape*int64(i))
		}
	}
}

func query(r *run, i int) error {
	r.done.Add(1)
	now := time.Now().Unix()
	ask := url.Values{"query": {fmt.Sprintf("sum by (zone) (rate(load_family_%03d[5s]))", i%families)},
		"start": {strconv.FormatInt(now-30, 10)}, "end": {strconv.FormatInt(now, 10)}, "step": {"1"}}
	_, err := get("http://" + r.addr(0) + "/api/v1/query_range?" + ask.Encode())
	return err
}
