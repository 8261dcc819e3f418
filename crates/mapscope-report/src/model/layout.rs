//! How structs are laid out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `mapscope layout --format json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LayoutReport {
    /// Names this contract: `mapscope.layout/1`.
    pub schema: String,
    /// The executable.
    pub exe: String,
    /// Its Go version, as it names itself.
    pub go_version: String,
    /// Declared structs of the executable.
    pub total_structs: u64,
    /// Those that were asked for.
    pub matched_structs: u64,
    /// In the order of their names, or most wasteful first.
    pub structs: Vec<LayoutRow>,
}

/// One struct.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LayoutRow {
    /// The type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Bytes of a value.
    pub bytes: u64,
    /// Its alignment.
    pub align: u64,
    /// It holds pointers.
    pub pointers: bool,
    /// Bytes up to the end of the last field with pointers: the collector looks at no more.
    pub pointer_bytes: u64,
    /// Bytes of padding between fields and at the end.
    pub padding_bytes: u64,
    /// The slot of the heap in which a value is allocated alone.
    pub slot_bytes: u64,
    /// In the order of their offsets.
    pub fields: Vec<FieldRow>,
    /// The order of fields with least padding; absent when it is this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<BestOrder>,
    /// The map types that have it as key or element.
    pub maps: Vec<SlotRow>,
}

/// One field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldRow {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Bytes from the start of the struct.
    pub offset: u64,
    /// Bytes of a value.
    pub bytes: u64,
    /// Its alignment.
    pub align: u64,
    /// Bytes of padding behind it.
    pub padding_bytes: u64,
}

/// A better order of fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BestOrder {
    /// Bytes of a value.
    pub bytes: u64,
    /// Of the slot in which it is allocated alone: only where this is less does a value allocated alone take less.
    pub slot_bytes: u64,
    /// Bytes up to the end of the last field with pointers.
    pub pointer_bytes: u64,
    /// Names of the fields in this order.
    pub order: Vec<String>,
}

/// A map type that has the struct as key or element.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlotRow {
    /// The map type.
    pub map_type: String,
    /// `key` or `element`.
    pub role: String,
    /// It is stored as a pointer, for it has more than 128 bytes.
    pub indirect: bool,
    /// Bytes of a group or bucket of eight slots.
    pub group_bytes: u64,
    /// Bytes of a key in its slot.
    pub key_bytes: u64,
    /// Bytes of an element in its slot.
    pub element_bytes: u64,
    /// Bytes of the group that belong to neither.
    pub padding_bytes: u64,
    /// Bytes from the start of the group to the first key.
    pub keys_offset: u64,
    /// From one key to the next.
    pub key_stride: u64,
    /// Bytes from the start of the group to the first element.
    pub elements_offset: u64,
    /// From one element to the next.
    pub element_stride: u64,
}
