//! Compliance: scans, findings and evidence in the compliance domain, accepted risks in main.
//!
//! An accepted risk is a person's decision: it and its audit event are one transaction of main. A scan is Reeve's own work and can be done
//! again: its audit event is written to main first, with the hash of the evidence, and then the scan under the same id.

pub mod acceptance;
pub mod attestation;
pub mod finding;
pub mod scan;

pub use acceptance::{AcceptOutcome, NewAcceptance, StoredRisk};
pub use attestation::NewAttestation;
pub use scan::{NewScan, StoredScan};
