//! The state of one map.

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

/// What was counted in one map. DESIGN: what the fields count; bytes are whole heap slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapFigures {
    /// Keys in the map.
    pub entries: u64,
    /// Places for entries.
    pub slots: u64,
    /// Groups of all tables (Swiss), main buckets (legacy).
    pub groups: u64,
    /// Groups, or buckets with their chain, without an entry.
    pub holes: u64,
    /// Swiss: control bytes that say deleted.
    pub tombstones: Option<u64>,
    /// Legacy: overflow buckets linked in chains of the current array.
    pub overflow_buckets: Option<u64>,
    /// Legacy: bytes of the old array and its overflow buckets.
    pub old_buckets_bytes: Option<u64>,
    /// Legacy: buckets of the old array that were moved.
    pub evacuated_buckets: Option<u64>,
    /// Entries whose element is all zero bits; absent for elements of size 0.
    pub zero_values: Option<u64>,
    /// Header, directory, tables, groups or buckets.
    pub table_bytes: u64,
    /// Keys and elements over 128 bytes, allocated one by one.
    pub indirect_bytes: u64,
    /// Bytes of all slots that belong to neither key nor element.
    pub padding_bytes: u64,
    /// `table_bytes` less those of the same map made anew with a hint of `entries`.
    pub reclaimable_bytes: u64,
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
