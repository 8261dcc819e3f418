//! From allocation sites to the data that views show.

use mapscope_go::{Sampling, Site, Sites};
use mapscope_report::model::{CodeLine, SiteList, SiteRow};

/// Stacks that are listed.
const LISTED: usize = 5;

/// The stacks of some live objects, those of most bytes.
pub(crate) fn live_sites(sites: &Sites<'_>, found: &[Site<'_>]) -> SiteList {
    let (rate_bytes, reason) = match sites.sampling {
        Sampling::Every(rate) => (Some(rate), None),
        none => (None, Some(why_none(none))),
    };
    let estimated: f64 = found.iter().map(|site| site.live.estimated_bytes).sum();
    SiteList {
        rate_bytes,
        reason,
        sampled_objects: found.iter().map(|site| site.live.objects).sum(),
        sampled_bytes: found.iter().map(|site| site.live.bytes).sum(),
        estimated_bytes: estimated.round() as u64,
        stacks: found.len() as u64,
        sites: found.iter().take(LISTED).map(|site| row(site, estimated)).collect(),
    }
}

/// Why there are no samples.
pub(crate) fn why_none(sampling: Sampling) -> String {
    match sampling {
        Sampling::LeftOut => "the program has no heap profile: nothing in it can ask for one, so the linker left it \
            out; import runtime/pprof or net/http/pprof and use it"
            .to_owned(),
        Sampling::Unknown => "whether the program samples its allocations is not known: the runtime's variables could \
            not be found without debug information; pass the unstripped binary or its .debug file with --debug-info"
            .to_owned(),
        Sampling::Off => "the program samples no allocations: runtime.MemProfileRate is 0".to_owned(),
        Sampling::Every(rate) => format!("no allocation has been sampled so far, at one for {rate} bytes"),
    }
}

fn row(site: &Site<'_>, whole: f64) -> SiteRow {
    let lines = site.stack.iter().map(|frame| CodeLine {
        function: frame.printed_name().into_owned(),
        file: frame.file.to_owned(),
        line: frame.line,
    });
    let share = if whole > 0.0 { site.live.estimated_bytes / whole } else { 0.0 };
    SiteRow {
        stack: lines.collect(),
        sampled_objects: site.live.objects,
        sampled_bytes: site.live.bytes,
        estimated_bytes: site.live.estimated_bytes.round() as u64,
        share: (share * 10_000.0).round() / 10_000.0,
    }
}
