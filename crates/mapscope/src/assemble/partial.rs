//! Why a reading is partial, from the reader's words to the model's.

use mapscope_memory::Partial;
use mapscope_report::model::{Figure, PartialScope};

/// Adds reasons to the lists of a document.
pub(crate) fn add(reasons: &Partial, partial: &mut Vec<String>, scope: &mut Vec<PartialScope>) {
    for reason in reasons {
        partial.push(reason.sentence.clone());
        let figures = reason.figures.iter().map(figure).collect();
        scope.push(PartialScope { reason: reason.sentence.clone(), figures });
    }
}

fn figure(figure: mapscope_memory::Figure) -> Figure {
    use mapscope_memory::Figure as Read;
    match figure {
        Read::Objects => Figure::Objects,
        Read::Live => Figure::Live,
        Read::Types => Figure::Types,
        Read::Maps => Figure::Maps,
        Read::Owners => Figure::Owners,
        Read::Retained => Figure::Retained,
        Read::Goroutines => Figure::Goroutines,
        Read::Leaks => Figure::Leaks,
        Read::Profile => Figure::Profile,
        Read::Memory => Figure::Memory,
        Read::RuntimeMemory => Figure::RuntimeMemory,
        Read::Storage => Figure::Storage,
        Read::Findings => Figure::Findings,
    }
}
