//! pprof profiles (`profile.proto`, compressed with gzip): built, written and read.
//!
//! A [`Profile`] is plain data whose parts refer to each other by index. A [`Builder`] makes one and keeps each
//! function and location once; [`Profile::to_bytes`] and [`Profile::from_bytes`] are the file. Input is not trusted:
//! what it expands to is limited, and every reference in it is checked.
//!
//! ```
//! use mapscope_profile::{Builder, Frame, Profile};
//!
//! let mut builder = Builder::new([("inuse_space", "bytes")]);
//! let frame = Frame { function: "main.main", file: "main.go", line: 7, start_line: 3 };
//! let place = builder.location(0x47_0010, None, [frame]);
//! builder.sample(vec![place], vec![512], Vec::new());
//! let bytes = builder.build().to_bytes()?;
//! assert_eq!(Profile::from_bytes(&bytes)?.total(0), 512);
//! # Ok::<(), mapscope_profile::ProfileError>(())
//! ```

mod builder;
mod error;
mod model;
mod read;
mod wire;
mod write;

pub use builder::{Builder, Frame};
pub use error::ProfileError;
pub use model::{Function, Label, Line, Location, Mapping, Profile, Sample, ValueType};
