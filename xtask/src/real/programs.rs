//! The real programs, in pinned versions.

/// A program of the module proxy.
pub(super) struct Program {
    /// What `xtask/real/load` calls it.
    pub(super) name: &'static str,
    pub(super) package: &'static str,
    /// `MODULE@VERSION`.
    pub(super) module: &'static str,
    /// Findings that an expert would reject: no look may have them.
    pub(super) wrong: &'static [Wrong],
}

/// A finding of medium or high severity that was looked at and found to be wrong.
pub(super) struct Wrong {
    pub(super) rule: &'static str,
    /// What its subject contains.
    pub(super) subject: &'static str,
    pub(super) reason: &'static str,
}

const fn program(name: &'static str, package: &'static str, module: &'static str, wrong: &'static [Wrong]) -> Program {
    Program { name, package, module, wrong }
}

pub(super) const ALL: &[Program] = &[
    program("etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3@v3.7.3", &[]),
    program(
        "prometheus",
        "github.com/prometheus/prometheus/cmd/prometheus",
        "github.com/prometheus/prometheus@v0.316.0",
        &[],
    ),
    program("caddy", "github.com/caddyserver/caddy/v2/cmd/caddy", "github.com/caddyserver/caddy/v2@v2.11.9", &[]),
    program("nats", "github.com/nats-io/nats-server/v2", "github.com/nats-io/nats-server/v2@v2.15.2", &[]),
    program("coredns", "github.com/coredns/coredns", "github.com/coredns/coredns@v1.15.0", &[]),
    program("gopls", "golang.org/x/tools/gopls", "golang.org/x/tools/gopls@v0.23.0", &[]),
];

/// The module whose source gopls loads: one that is there because its program is built.
pub(super) const GOPLS_LOADS: &str = "nats";
