// Command clientgolang has a gauge with a label that is new with each request.
package main

import (
	"fmt"
	"runtime"
	"time"

	"cases/say"

	"github.com/prometheus/client_golang/prometheus"
)

var requests = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "rpc_seconds", Help: "x"},
	[]string{"uuid", "ip", "path", "at"})
var latency = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "lat", Help: "x"}, []string{"path"})

func main() {
	prometheus.MustRegister(requests, latency)
	n := 40_000
	for i := 0; i < n; i++ {
		requests.WithLabelValues(fmt.Sprintf("%032x", i*7919), fmt.Sprintf("10.0.%d.%d", i>>8&255, i&255),
			"/v1/users/list", time.Now().Format(time.RFC3339)).Set(float64(i))
		if i%10 == 0 {
			latency.WithLabelValues(fmt.Sprintf("/users/%d", i)).Observe(0.2)
		}
	}
	runtime.GC()
	say.Maps(1, n, "main.requests.MetricVec.metricMap.metrics")
	say.Maps(1, n/10, "main.latency.MetricVec.metricMap.metrics")
	say.Ready()
	runtime.KeepAlive(requests)
}
