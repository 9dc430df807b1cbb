//! The ids and source ids by which the customers or orders of a batch are looked up.

use crate::domain::identifier::Lookup;

/// The ids and source ids by which the customers or orders of a batch are looked up, without duplicates.
#[derive(Debug, Default)]
pub struct Lookups {
    pub ids: Vec<String>,
    pub source_ids: Vec<String>,
}

impl Lookups {
    /// Collects the lookups of references, and further ids.
    pub fn new<'a>(lookups: impl Iterator<Item = Lookup<'a>>, mut ids: Vec<String>) -> Self {
        let mut source_ids = Vec::new();
        for lookup in lookups {
            match lookup {
                Lookup::Id(id) => ids.push(id.to_owned()),
                Lookup::SourceId(source_id) => source_ids.push(source_id.to_owned()),
            }
        }
        for list in [&mut ids, &mut source_ids] {
            list.sort_unstable();
            list.dedup();
        }
        Self { ids, source_ids }
    }
}
