//! The state of one map.

use mapscope_model::MapFigures;

/// Which of Go's two map implementations a map is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapImplementation {
    /// `internal/runtime/maps.Map`, from Go 1.24.
    Swiss,
    /// `runtime.hmap`, up to Go 1.23 and with `GOEXPERIMENT=noswissmap`.
    Legacy,
}

impl MapImplementation {
    /// `swiss` or `legacy`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Swiss => "swiss",
            Self::Legacy => "legacy",
        }
    }
}

/// The audit of one map. A map that was being written while it was read, or whose counts do not add up, is torn:
/// it has a reason and no figures.
#[derive(Clone, Debug)]
pub struct MapAudit {
    /// Address of the map header in the target.
    pub address: u64,
    /// Index of the map's type in the reader's type table.
    pub map_type: u32,
    /// Swiss or legacy.
    pub implementation: MapImplementation,
    /// The figures, or why the map is torn.
    pub figures: Result<MapFigures, String>,
}

/// What one group, or one bucket with its chain, holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupFill {
    /// Entries.
    pub entries: u32,
    /// Tombstones; 0 for legacy maps.
    pub tombstones: u32,
    /// Places for entries.
    pub slots: u32,
}
