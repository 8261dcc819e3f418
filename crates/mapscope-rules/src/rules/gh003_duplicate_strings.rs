//! Texts that are in the heap many times.
//!
//! ## What it finds
//! Strings of one content with objects of their own, of whose bytes 64 KiB or more would be saved if each text were there
//! once.
//!
//! ## Why it matters
//! Decoders make a new string for each value, however often they have made it before: host names, states, keys of JSON.
//!
//! ## Evidence
//! `texts` and how many of them are `distinct`. `reclaimable_bytes`: slots of all but one object of each text.
//!
//! ## Example
//! ```go
//! json.Unmarshal(line, &event)   // event.Country is one of two hundred, in each of ten million events
//! ```
//!
//! ## Fix
//! ```go
//! event.Country = unique.Make(event.Country).Value()   // Go 1.23 and later
//!
//! if known, ok := countries[event.Country]; ok {       // before
//! 	event.Country = known
//! }
//! ```
//!
//! A field of type `unique.Handle[string]` is half as large as a string, too.
//!
//! ## Limits
//! Texts shorter than 16 bytes share objects with others and are not counted, nor are parts of larger objects. Texts are
//! compared by length and 64 bits of a hash.

use crate::Evidence;
use crate::finding::Claim;
use crate::severity::MIN_BYTES;
use crate::text::{bytes, count};

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let strings = &evidence.strings;
    if strings.savable_bytes < MIN_BYTES {
        return Vec::new();
    }
    vec![Claim {
        subject: strings.place.clone(),
        summary: format!(
            "{} texts are {} different ones; the others take {}. The worst is there {} times, for {}.",
            count(strings.count),
            count(strings.distinct),
            bytes(strings.savable_bytes),
            count(strings.worst_count),
            bytes(strings.worst_bytes),
        ),
        evidence: vec![("texts", strings.count), ("distinct", strings.distinct)],
        reclaimable_bytes: strings.savable_bytes,
        share: strings.share,
        advice: "Keep each text once: unique.Make(s).Value() where strings are made (Go 1.23 and later), or a map from each text to itself. `mapscope types` lists the texts by place.".to_owned(),
        ..Claim::default()
    }]
}
