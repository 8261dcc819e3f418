//! From a profile to its file.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;
use rustc_hash::FxHashMap;

use crate::model::{self, Profile};
use crate::{ProfileError, wire};

impl Profile {
    /// The bytes of a file: the message, compressed with gzip, as every tool that reads pprof profiles takes it.
    ///
    /// # Errors
    /// None that input could cause.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ProfileError> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let written = encoder.write_all(&self.to_message());
        written.and_then(|()| encoder.finish()).map_err(ProfileError::Compress)
    }

    /// The message, not compressed.
    pub fn to_message(&self) -> Vec<u8> {
        let mut texts = Texts::default();
        // The first text is the empty one.
        texts.number("");
        let message = self.message(&mut texts);
        wire::Profile { string_table: texts.table, ..message }.encode_to_vec()
    }

    fn message<'p>(&'p self, texts: &mut Texts<'p>) -> wire::Profile {
        let mut value_type =
            |v: &'p model::ValueType| wire::ValueType { kind: texts.number(&v.kind), unit: texts.number(&v.unit) };
        let sample_type = self.sample_types.iter().map(&mut value_type).collect();
        let period_type = self.period_type.as_ref().map(value_type);
        wire::Profile {
            sample_type,
            period_type,
            sample: self.samples.iter().map(|s| sample(s, texts)).collect(),
            mapping: self.mappings.iter().enumerate().map(|(i, m)| mapping(i, m, texts)).collect(),
            location: self.locations.iter().enumerate().map(|(i, l)| location(i, l)).collect(),
            function: self.functions.iter().enumerate().map(|(i, f)| function(i, f, texts)).collect(),
            string_table: Vec::new(),
            time_nanos: self.time_nanos,
            duration_nanos: self.duration_nanos,
            period: self.period,
            comment: self.comments.iter().map(|c| texts.number(c)).collect(),
            default_sample_type: texts.number(&self.default_sample_type),
        }
    }
}

/// The string table while it grows.
#[derive(Default)]
struct Texts<'p> {
    table: Vec<Vec<u8>>,
    known: FxHashMap<&'p str, i64>,
}

impl<'p> Texts<'p> {
    fn number(&mut self, text: &'p str) -> i64 {
        *self.known.entry(text).or_insert_with(|| {
            self.table.push(text.as_bytes().to_vec());
            self.table.len() as i64 - 1
        })
    }
}

/// Ids count from 1.
fn id(index: usize) -> u64 {
    index as u64 + 1
}

fn sample<'p>(sample: &'p model::Sample, texts: &mut Texts<'p>) -> wire::Sample {
    let label = |label: &'p model::Label| wire::Label {
        key: texts.number(&label.key),
        text: texts.number(&label.text),
        number: label.number,
        unit: texts.number(&label.unit),
    };
    wire::Sample {
        location_id: sample.stack.iter().map(|index| id(*index)).collect(),
        value: sample.values.clone(),
        label: sample.labels.iter().map(label).collect(),
    }
}

fn mapping<'p>(index: usize, mapping: &'p model::Mapping, texts: &mut Texts<'p>) -> wire::Mapping {
    wire::Mapping {
        id: id(index),
        start: mapping.start,
        limit: mapping.limit,
        offset: mapping.offset,
        file: texts.number(&mapping.file),
        build_id: texts.number(&mapping.build_id),
        has_functions: mapping.has_functions,
    }
}

fn location(index: usize, location: &model::Location) -> wire::Location {
    let line = |line: &model::Line| wire::Line { function_id: id(line.function), line: line.line };
    wire::Location {
        id: id(index),
        mapping_id: location.mapping.map_or(0, id),
        address: location.address,
        line: location.lines.iter().map(line).collect(),
    }
}

fn function<'p>(index: usize, function: &'p model::Function, texts: &mut Texts<'p>) -> wire::Function {
    wire::Function {
        id: id(index),
        name: texts.number(&function.name),
        system_name: texts.number(&function.system_name),
        file: texts.number(&function.file),
        start_line: function.start_line,
    }
}
