//! Permissions: a verb on a noun, each a type, so that a grant for one can't stand in for another.

use reeve_model::{TargetName, table::TableRef};

/// A verb on a noun, and what it applies to.
pub trait Permission: Send + Sync + 'static {
    /// What is done.
    const VERB: &'static str;
    /// To what.
    const NOUN: &'static str;
    /// True when it changes something: refused while rights can't be confirmed.
    const CHANGES: bool = false;
    /// The one thing it applies to; carried inside the grant, so that a method can't be handed another.
    type Resource: Send + Sync + Clone + std::fmt::Debug;
}

/// See the estate: overview, list of targets, verdicts.
#[derive(Debug)]
pub struct ViewEstate;
impl Permission for ViewEstate {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "estate";
    type Resource = ();
}

/// See Reeve's own pools and store.
#[derive(Debug)]
pub struct ViewPools;
impl Permission for ViewPools {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "pools";
    type Resource = ();
}

/// See one target in detail.
#[derive(Debug)]
pub struct ViewTarget;
impl Permission for ViewTarget {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "target";
    type Resource = TargetName;
}

/// See the tables of one target.
#[derive(Debug)]
pub struct ViewTables;
impl Permission for ViewTables {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "tables";
    type Resource = TargetName;
}

/// See one table.
#[derive(Debug)]
pub struct ViewTable;
impl Permission for ViewTable {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "table";
    type Resource = (TargetName, TableRef);
}

/// Scrape the metrics of Reeve and all targets.
#[derive(Debug)]
pub struct ReadMetrics;
impl Permission for ReadMetrics {
    const VERB: &'static str = "read";
    const NOUN: &'static str = "metrics";
    type Resource = ();
}
