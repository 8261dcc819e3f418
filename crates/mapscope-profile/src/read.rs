//! From a file to a profile. What it expands to is limited before it is held, and what refers is checked.

use std::io::Read;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use prost::Message;
use prost::encoding::{DecodeContext, decode_key, skip_field};
use rustc_hash::FxHashMap;

use crate::model::{Function, Label, Line, Location, Mapping, Profile, Sample, ValueType};
use crate::{ProfileError, wire};

/// Bytes of a message that are read; profiles of the largest services have a tenth of it.
const MAX_BYTES: usize = 64 << 20;
/// Samples, locations, functions, mappings and texts, together. An empty one takes two bytes in a file and a hundred
/// here.
const MAX_PARTS: usize = 4 << 20;
/// What every gzip file starts with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

impl Profile {
    /// Reads a file, compressed with gzip or not.
    ///
    /// # Errors
    /// When it is no profile, is cut short, contradicts itself, or is larger than anything that is read.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProfileError> {
        if !bytes.starts_with(&GZIP) {
            return Self::from_message(bytes);
        }
        let mut message = Vec::new();
        let mut limited = MultiGzDecoder::new(bytes).take(MAX_BYTES as u64 + 1);
        limited.read_to_end(&mut message).map_err(ProfileError::Compressed)?;
        Self::from_message(&message)
    }

    /// Reads a message that is not compressed.
    ///
    /// # Errors
    /// As [`Profile::from_bytes`].
    pub fn from_message(message: &[u8]) -> Result<Self, ProfileError> {
        if message.len() > MAX_BYTES {
            return Err(ProfileError::TooLarge { limit: MAX_BYTES, what: "bytes" });
        }
        count_parts(message)?;
        resolve(&wire::Profile::decode(message)?)
    }
}

fn count_parts(mut message: &[u8]) -> Result<(), ProfileError> {
    let mut parts = 0;
    while !message.is_empty() {
        let (tag, wire_type) = decode_key(&mut message)?;
        skip_field(wire_type, tag, &mut message, DecodeContext::default())?;
        parts += 1;
        if parts > MAX_PARTS {
            return Err(ProfileError::TooLarge { limit: MAX_PARTS, what: "parts" });
        }
    }
    Ok(())
}

/// Turns ids and numbers of texts into what they stand for.
fn resolve(wire: &wire::Profile) -> Result<Profile, ProfileError> {
    let texts = Texts(wire.string_table.iter().map(|t| String::from_utf8_lossy(t).into()).collect());
    let function_ids = Ids::new("function", wire.function.iter().map(|f| f.id))?;
    let mapping_ids = Ids::new("mapping", wire.mapping.iter().map(|m| m.id))?;
    let location_ids = Ids::new("location", wire.location.iter().map(|l| l.id))?;
    let value_type = |(index, v): (usize, &wire::ValueType)| {
        let text = |number| texts.get(number, "value type", index);
        Ok(ValueType { kind: text(v.kind)?, unit: text(v.unit)? })
    };
    let sample_types: Vec<ValueType> = collect(&wire.sample_type, value_type)?;
    let types = sample_types.len();
    Ok(Profile {
        sample_types,
        default_sample_type: texts.get(wire.default_sample_type, "default sample type", 0)?,
        samples: collect(&wire.sample, |part| sample(part, types, &texts, &location_ids))?,
        mappings: collect(&wire.mapping, |part| mapping(part, &texts))?,
        locations: collect(&wire.location, |part| location(part, &mapping_ids, &function_ids))?,
        functions: collect(&wire.function, |part| function(part, &texts))?,
        period_type: wire.period_type.as_ref().map(|v| value_type((0, v))).transpose()?,
        period: wire.period,
        time_nanos: wire.time_nanos,
        duration_nanos: wire.duration_nanos,
        comments: collect(&wire.comment, |(index, number)| texts.get(*number, "comment", index))?,
    })
}

fn collect<'w, W, T>(
    parts: &'w [W],
    make: impl FnMut((usize, &'w W)) -> Result<T, ProfileError>,
) -> Result<Vec<T>, ProfileError> {
    parts.iter().enumerate().map(make).collect()
}

fn inconsistent(what: &'static str, index: usize, problem: &'static str) -> ProfileError {
    ProfileError::Inconsistent { what, index, problem }
}

struct Texts(Vec<Arc<str>>);

impl Texts {
    /// The text of a number; `what` and `index` say who refers to it.
    fn get(&self, number: i64, what: &'static str, index: usize) -> Result<Arc<str>, ProfileError> {
        if number == 0 {
            return Ok(Arc::default());
        }
        let text = usize::try_from(number).ok().and_then(|number| self.0.get(number));
        text.cloned().ok_or_else(|| inconsistent(what, index, "refers to a text that is not there"))
    }
}

/// Index by id.
struct Ids {
    what: &'static str,
    known: FxHashMap<u64, usize>,
}

impl Ids {
    fn new(what: &'static str, ids: impl Iterator<Item = u64>) -> Result<Self, ProfileError> {
        let mut known = FxHashMap::default();
        for (index, id) in ids.enumerate() {
            if id == 0 || known.insert(id, index).is_some() {
                return Err(inconsistent(what, index, "has no id of its own"));
            }
        }
        Ok(Self { what, known })
    }

    fn get(&self, id: u64, what: &'static str, index: usize) -> Result<usize, ProfileError> {
        let problem = match self.what {
            "function" => "refers to a function that is not there",
            "mapping" => "refers to a mapping that is not there",
            _ => "refers to a location that is not there",
        };
        self.known.get(&id).copied().ok_or_else(|| inconsistent(what, index, problem))
    }
}

fn sample(
    (index, sample): (usize, &wire::Sample),
    types: usize,
    texts: &Texts,
    locations: &Ids,
) -> Result<Sample, ProfileError> {
    if sample.value.len() != types {
        return Err(inconsistent("sample", index, "has another number of values than there are sample types"));
    }
    let text = |number| texts.get(number, "sample", index);
    let label = |label: &wire::Label| {
        Ok(Label { key: text(label.key)?, text: text(label.text)?, number: label.number, unit: text(label.unit)? })
    };
    Ok(Sample {
        stack: sample.location_id.iter().map(|id| locations.get(*id, "sample", index)).collect::<Result<_, _>>()?,
        values: sample.value.clone(),
        labels: sample.label.iter().map(label).collect::<Result<_, ProfileError>>()?,
    })
}

fn mapping((index, mapping): (usize, &wire::Mapping), texts: &Texts) -> Result<Mapping, ProfileError> {
    let text = |number| texts.get(number, "mapping", index);
    let &wire::Mapping { start, limit, offset, has_functions, .. } = mapping;
    Ok(Mapping { start, limit, offset, file: text(mapping.file)?, build_id: text(mapping.build_id)?, has_functions })
}

fn location(
    (index, location): (usize, &wire::Location),
    mappings: &Ids,
    functions: &Ids,
) -> Result<Location, ProfileError> {
    let mapping = match location.mapping_id {
        0 => None,
        id => Some(mappings.get(id, "location", index)?),
    };
    let line =
        |line: &wire::Line| Ok(Line { function: functions.get(line.function_id, "location", index)?, line: line.line });
    let lines = location.line.iter().map(line).collect::<Result<_, ProfileError>>()?;
    Ok(Location { address: location.address, mapping, lines })
}

fn function((index, function): (usize, &wire::Function), texts: &Texts) -> Result<Function, ProfileError> {
    let text = |number| texts.get(number, "function", index);
    Ok(Function {
        name: text(function.name)?,
        system_name: text(function.system_name)?,
        file: text(function.file)?,
        start_line: function.start_line,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::{Builder, Frame};

    fn some() -> Profile {
        let mut builder = Builder::new([("alloc_objects", "count"), ("alloc_space", "bytes")]);
        builder.period("space", "bytes", 524_288);
        builder.time(1_700_000_000_000_000_000);
        builder.show_first("alloc_space");
        builder.comment("two stacks");
        let file = builder.text("/srv/service");
        let mapping = Mapping { start: 0x40_0000, limit: 0x50_0000, file, has_functions: true, ..Mapping::default() };
        let mapping = builder.mapping(mapping);
        let frame = |function, line| Frame { function, file: "main.go", line, start_line: 1 };
        let leaf = builder.location(0x40_1000, Some(mapping), [frame("main.inlined", 8), frame("main.leaf", 12)]);
        let root = builder.location(0x40_2000, Some(mapping), [frame("main.main", 20)]);
        let nowhere = builder.location(0x99_0000, None, []);
        let label = Label { key: builder.text("bytes"), number: 64, ..Label::default() };
        builder.sample(vec![leaf, root], vec![3, 192], vec![label]);
        builder.sample(vec![nowhere, root], vec![-1, 0], Vec::new());
        builder.build()
    }

    fn refused(change: impl FnOnce(&mut wire::Profile)) -> String {
        let mut message = wire::Profile::decode(&*some().to_message()).unwrap();
        change(&mut message);
        Profile::from_message(&message.encode_to_vec()).unwrap_err().to_string()
    }

    #[test]
    fn what_was_written_is_read_again() {
        let profile = some();
        assert_eq!(Profile::from_bytes(&profile.to_bytes().unwrap()).unwrap(), profile);
        assert_eq!(Profile::from_bytes(&profile.to_message()).unwrap(), profile);
        assert_eq!(Profile::from_bytes(&[]).unwrap(), Profile::default());
    }

    #[test]
    fn what_is_cut_short_or_damaged_is_refused() {
        let bytes = some().to_bytes().unwrap();
        for len in 2..bytes.len() {
            assert!(Profile::from_bytes(&bytes[..len]).is_err(), "{len} bytes");
        }
        assert!(Profile::from_bytes(b"not a profile").unwrap_err().to_string().contains("no pprof profile"));
    }

    #[test]
    fn references_lead_somewhere() {
        let contradicts = [
            refused(|p| p.sample[0].location_id[0] = 7),
            refused(|p| p.location[0].line[0].function_id = 0),
            refused(|p| p.location[0].mapping_id = 2),
            refused(|p| p.function[1].id = p.function[0].id),
            refused(|p| p.function[1].name = -1),
            refused(|p| p.comment[0] = 1000),
            refused(|p| p.sample[1].value.truncate(1)),
        ];
        for message in contradicts {
            assert!(message.contains("contradicts itself"), "{message}");
        }
    }

    #[test]
    fn what_expands_beyond_reason_is_refused() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&vec![0x32; MAX_BYTES + 1]).unwrap();
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < MAX_BYTES / 50);
        assert!(Profile::from_bytes(&bomb).unwrap_err().to_string().contains("larger than 67108864 bytes"));
        // Empty texts, two bytes each.
        let parts = [0x32, 0].repeat(MAX_PARTS + 1);
        assert!(Profile::from_bytes(&parts).unwrap_err().to_string().contains("parts"));
    }

    #[test]
    fn texts_that_are_not_utf8_are_shown_as_far_as_they_go() {
        let mut message = wire::Profile::decode(&*some().to_message()).unwrap();
        message.string_table.push(b"a\xffb".to_vec());
        message.comment[0] = message.string_table.len() as i64 - 1;
        let profile = Profile::from_message(&message.encode_to_vec()).unwrap();
        assert_eq!(&*profile.comments[0], "a\u{fffd}b");
    }
}
