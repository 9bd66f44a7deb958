//! Migrations are embedded: a change there rebuilds this crate.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations/main");
    println!("cargo:rerun-if-changed=../../migrations/analytics");
    println!("cargo:rerun-if-changed=../../migrations/compliance");
}
