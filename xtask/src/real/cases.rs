//! Cases that need modules of others: `xtask/real/cases`. What maps they hold, they say themselves.

/// What a reader has to say of one.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// The public report.
    pub(super) kind: &'static str,
    /// How the name of the first holder may begin; a program without names has none to begin with.
    pub(super) holders: &'static [&'static str],
    /// One of these words is in a finding: its rule, subject or text. Empty where nothing is wrong.
    pub(super) cause: &'static [&'static str],
}

const fn case(
    name: &'static str,
    kind: &'static str,
    holders: &'static [&'static str],
    cause: &'static [&'static str],
) -> Case {
    Case { name, kind, holders, cause }
}

pub(super) const ALL: &[Case] = &[
    case("bigcache", "allegro/bigcache#355", &["main.pages"], &["main.pages"]),
    case("boltmap", "etcd-io/bbolt#541", &["goroutine main.main", "main."], &["mapped", "other"]),
    case(
        "clientgolang",
        "prometheus/client_golang#1340",
        &["main.requests", "github.com/prometheus/client_golang/prometheus."],
        &["main.requests"],
    ),
    case(
        "gometrics",
        "IBM/sarama#897",
        &["github.com/rcrowley/go-metrics.arbiter"],
        &["github.com/rcrowley/go-metrics.arbiter"],
    ),
    case("grpcconn", "hyperledger-labs/fabric-smart-client#1482", &["google.golang.org/grpc", "goroutine "], &["grpc"]),
    case("otter", "hashicorp/golang-lru#107", &["main.web"], &[]),
    case("ristretto", "dgraph-io/ristretto#115", &["main.lists"], &["main.lists"]),
    case("websock", "gorilla/websocket#134", &["main.h"], &["main.h", "main.serve"]),
    case("xsync", "puzpuzpuz/xsync#109", &["main.calls", "main.users", "main.seats"], &["main.users"]),
];
