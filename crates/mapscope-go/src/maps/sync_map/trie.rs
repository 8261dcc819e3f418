//! The tree of a `sync.Map` (`internal/sync/hashtriemap.go`, Go 1.24 and later): inner nodes with 16 children each, and
//! entries, which hold key and value; entries with equal hashes hang in a list.

use std::sync::Arc;

use super::{Contents, MAX_ENTRIES, Walker};
use crate::heap::word;
use crate::types::{Plan, Ref, TypeId, compile, leaves, visit};

/// Bytes of a node that are read; the largest has 152.
const MAX_NODE: usize = 256;

/// What the two kinds of nodes look like.
struct Nodes {
    indirect: Arc<Plan>,
    entry: Arc<Plan>,
    entry_type: TypeId,
}

impl Walker<'_, '_> {
    /// Walks the tree below `root`, level by level, each in the order of addresses.
    pub(super) fn trie(&mut self, root: u64, indirect: TypeId, contents: &mut Contents) -> Option<()> {
        let nodes = self.nodes(indirect)?;
        let mut level = vec![root];
        let mut met = 0usize;
        while !level.is_empty() {
            met = met.saturating_add(level.len());
            if met > 2 * MAX_ENTRIES {
                return None;
            }
            level.sort_unstable();
            let mut below = Vec::new();
            for node in level {
                self.node(node, &nodes, contents, &mut below)?;
            }
            level = below;
        }
        Some(())
    }

    fn nodes(&self, indirect: TypeId) -> Option<Nodes> {
        let types = self.stages().context.types;
        let plan = compile(types, indirect);
        let children = leaves(&plan).into_iter().find_map(|(_, r)| match r {
            Ref::TrieNode(_, entry) => Some(entry),
            _ => None,
        });
        let entry_type = children?;
        let entry = compile(types, entry_type);
        let interfaces = leaves(&entry).iter().filter(|l| matches!(l.1, Ref::Interface { empty: true })).count();
        (interfaces == 2).then_some(Nodes { indirect: plan, entry, entry_type })
    }

    /// One node: what it leads to goes to `below`.
    fn node(&mut self, node: u64, nodes: &Nodes, contents: &mut Contents, below: &mut Vec<u64>) -> Option<()> {
        if !self.part(node, contents)? {
            // Each node has one parent.
            return None;
        }
        let memory = self.stages().context.memory;
        // `isEntry` is the first field of both.
        let is_entry = match memory.u8(node).ok()? {
            0 => false,
            1 => true,
            _ => return None,
        };
        let plan = if is_entry { &nodes.entry } else { &nodes.indirect };
        let mut bytes = [0; MAX_NODE];
        let bytes = &mut bytes[..(plan.size as usize).min(MAX_NODE)];
        memory.read_into(node, bytes).ok()?;
        let bytes = &*bytes;
        let (mut interfaces, mut pointers) = ([(0, 0); 2], 0);
        let mut met = 0;
        visit(plan, bytes.len() as u64, &mut |at, reference| match reference {
            Ref::TrieNode(..) => below.extend(Some(word(bytes, at)).filter(|child| *child != 0)),
            Ref::Pointer(to) if to == nodes.entry_type => pointers = word(bytes, at),
            Ref::Interface { .. } if met < 2 => {
                interfaces[met] = (word(bytes, at), word(bytes, at + 8));
                met += 1;
            }
            _ => {}
        });
        if is_entry {
            below.extend(Some(pointers).filter(|next| *next != 0));
            let [key, value] = interfaces;
            self.boxes.add(&mut contents.keys, key);
            self.boxes.add(&mut contents.values, value);
            contents.entries += 1;
        }
        Some(())
    }
}
