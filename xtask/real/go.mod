module real

go 1.23

require (
	cases v0.0.0
	github.com/allegro/bigcache/v3 v3.1.0
	github.com/alphadose/haxmap v1.4.1
	github.com/cornelk/hashmap v1.0.8
	github.com/dgraph-io/ristretto v0.2.0
	github.com/gorilla/websocket v1.5.3
	github.com/hashicorp/golang-lru/v2 v2.0.7
	github.com/maypok86/otter v1.2.4
	github.com/prometheus/client_golang v1.20.5
	github.com/puzpuzpuz/xsync/v3 v3.4.1
	github.com/rcrowley/go-metrics v0.0.0-20250401214520-65e299d6c5c9
	go.etcd.io/bbolt v1.3.11
	google.golang.org/grpc v1.68.1
)

replace cases => ../../testbed/cases
