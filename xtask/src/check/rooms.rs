//! Who may use whom. Data runs one way: the table below is the whole law, and a crate that is not in it has no room yet.

use std::collections::{BTreeMap, BTreeSet};

use crate::workspace::{Metadata, Package};

/// A room: what it may use of our own, and what it must not reach by any path, directly or through others.
struct Room {
    name: &'static str,
    may_use: MayUse,
    never: &'static [&'static str],
}

enum MayUse {
    Only(&'static [&'static str]),
    Everything,
}

const DATABASE: &[&str] =
    &["sqlx", "sqlx-core", "sqlx-postgres", "tokio-postgres", "reeve-adapter", "reeve-store", "reeve-service", "reeve-estate"];
const ASYNC_OR_IO: &[&str] = &["tokio", "futures", "futures-util", "async-trait", "sqlx", "tokio-postgres", "reqwest", "hyper"];

const ROOMS: &[Room] = &[
    Room { name: "reeve-model", may_use: MayUse::Only(&[]), never: ASYNC_OR_IO },
    Room { name: "reeve-access", may_use: MayUse::Only(&["reeve-model"]), never: ASYNC_OR_IO },
    Room { name: "reeve-ports", may_use: MayUse::Only(&["reeve-model", "reeve-access"]), never: DATABASE },
    Room { name: "reeve-rules", may_use: MayUse::Only(&["reeve-model"]), never: ASYNC_OR_IO },
    Room { name: "reeve-adapter", may_use: MayUse::Only(&["reeve-model"]), never: &[] },
    Room { name: "reeve-store", may_use: MayUse::Only(&["reeve-adapter", "reeve-model"]), never: &[] },
    Room { name: "reeve-estate", may_use: MayUse::Only(&["reeve-adapter", "reeve-model"]), never: &[] },
    Room { name: "reeve-backup", may_use: MayUse::Only(&["reeve-adapter", "reeve-cluster", "reeve-model"]), never: &["axum"] },
    Room { name: "reeve-cluster", may_use: MayUse::Only(&[]), never: &["sqlx"] },
    Room { name: "reeve-runtime", may_use: MayUse::Only(&["reeve-store"]), never: &[] },
    Room {
        name: "reeve-service",
        may_use: MayUse::Only(&[
            "reeve-access",
            "reeve-adapter",
            "reeve-estate",
            "reeve-model",
            "reeve-ports",
            "reeve-rules",
            "reeve-runtime",
            "reeve-store",
        ]),
        never: &["leptos"],
    },
    Room { name: "reeve-app", may_use: MayUse::Only(&["reeve-access", "reeve-model", "reeve-ports"]), never: DATABASE },
    Room { name: "reeve-client", may_use: MayUse::Only(&["reeve-app"]), never: DATABASE },
    Room { name: "reeve-demo", may_use: MayUse::Only(&["reeve-cluster"]), never: &["sqlx"] },
    Room { name: "reeve", may_use: MayUse::Everything, never: &[] },
    Room { name: "xtask", may_use: MayUse::Only(&["reeve-cluster"]), never: &[] },
];

/// What nobody may depend on: the binary is where everything ends.
const SERVER: &str = "reeve";

/// What any room's tests may use besides: a private cluster to run against.
const FOR_TESTS: &[&str] = &["reeve-cluster"];

/// Every dependency between rooms that the table does not allow.
pub fn judge(metadata: &Metadata) -> Vec<String> {
    let members = metadata.members();
    let ours: BTreeSet<&str> = members.iter().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in &members {
        let Some(room) = ROOMS.iter().find(|room| room.name == package.name) else {
            findings.push(format!("{} has no room: give it a line in xtask/src/check/rooms.rs and in docs/ARCHITECTURE.md", package.name));
            continue;
        };
        findings.extend(direct(room, package, &ours));
        findings.extend(reached(room, package, metadata));
    }
    findings
}

fn direct(room: &Room, package: &Package, ours: &BTreeSet<&str>) -> Vec<String> {
    let used = package.dependencies.iter().filter(|dependency| ours.contains(dependency.name.as_str()));
    let mut findings = Vec::new();
    for dependency in used {
        let name = dependency.name.as_str();
        let for_tests = dependency.kind.as_deref() == Some("dev");
        let allowed = match room.may_use {
            MayUse::Everything => true,
            MayUse::Only(list) => list.contains(&name) || (for_tests && (FOR_TESTS.contains(&name) || name == room.name)),
        };
        if name == SERVER {
            findings.push(format!("{} uses {SERVER}, which nobody may", room.name));
        } else if !allowed {
            findings.push(format!("{} may not use {name}", room.name));
        }
    }
    findings
}

/// Walks normal and build edges only: what tests use is not in the room.
fn reached(room: &Room, package: &Package, metadata: &Metadata) -> Vec<String> {
    let Some(resolve) = &metadata.resolve else {
        return vec!["cargo metadata has no resolved graph".to_owned()];
    };
    let nodes: BTreeMap<&str, _> = resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let packages = metadata.by_id();
    let mut via: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = vec![package.id.as_str()];
    let mut findings = Vec::new();
    while let Some(id) = open.pop() {
        for edge in nodes.get(id).into_iter().flat_map(|node| &node.deps) {
            let shipped = edge.dep_kinds.is_empty() || edge.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev"));
            if !shipped || via.contains_key(edge.pkg.as_str()) {
                continue;
            }
            via.insert(&edge.pkg, id);
            open.push(&edge.pkg);
            if let Some(found) = packages.get(edge.pkg.as_str()).filter(|found| room.never.contains(&found.name.as_str())) {
                findings.push(format!("{} reaches {}: {}", room.name, found.name, path_to(&edge.pkg, &via, &packages)));
            }
        }
    }
    findings.sort();
    findings
}

fn path_to(id: &str, via: &BTreeMap<&str, &str>, packages: &BTreeMap<&str, &Package>) -> String {
    let mut names = Vec::new();
    let mut at = Some(id);
    while let Some(id) = at {
        names.push(packages.get(id).map_or(id, |package| package.name.as_str()));
        at = via.get(id).copied();
    }
    names.reverse();
    names.join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a made-up package depends on, and as what kind.
    type Uses<'a> = &'a [(&'a str, Option<&'a str>)];

    /// A metadata of our own making: `(name, [(dependency, kind)])`; names that start with `reeve` are members.
    fn metadata(packages: &[(&str, Uses)]) -> Metadata {
        let list: Vec<_> = packages
            .iter()
            .map(|(name, deps)| {
                let dependencies: Vec<_> = deps.iter().map(|(name, kind)| serde_json::json!({"name": name, "kind": kind})).collect();
                serde_json::json!({"name": name, "id": name, "dependencies": dependencies})
            })
            .collect();
        let nodes: Vec<_> = packages
            .iter()
            .map(|(name, deps)| {
                let edges: Vec<_> =
                    deps.iter().map(|(name, kind)| serde_json::json!({"pkg": name, "dep_kinds": [{"kind": kind}]})).collect();
                serde_json::json!({"id": name, "deps": edges})
            })
            .collect();
        let members: Vec<_> = packages.iter().map(|(name, _)| *name).filter(|name| name.starts_with("reeve")).collect();
        serde_json::from_value(serde_json::json!({"packages": list, "workspace_members": members, "resolve": {"nodes": nodes}}))
            .expect("metadata")
    }

    #[test]
    fn what_the_table_allows_passes() {
        let good = metadata(&[
            ("reeve-model", &[]),
            ("reeve-cluster", &[]),
            ("reeve-adapter", &[("reeve-model", None), ("sqlx", None)]),
            ("reeve-store", &[("reeve-adapter", None), ("reeve-cluster", Some("dev"))]),
            ("sqlx", &[]),
        ]);
        assert_eq!(judge(&good), Vec::<String>::new());
    }

    #[test]
    fn a_dependency_outside_the_table_is_refused() {
        let bad = metadata(&[("reeve-rules", &[("reeve-store", None)]), ("reeve-store", &[])]);
        assert_eq!(judge(&bad), ["reeve-rules may not use reeve-store"]);
    }

    #[test]
    fn the_server_is_used_by_nobody_not_even_by_tests() {
        let bad = metadata(&[("reeve", &[]), ("reeve-app", &[("reeve", Some("dev"))])]);
        assert_eq!(judge(&bad), ["reeve-app uses reeve, which nobody may"]);
    }

    #[test]
    fn a_test_dependency_other_than_the_cluster_is_refused() {
        let bad = metadata(&[("reeve-app", &[("reeve-store", Some("dev"))]), ("reeve-store", &[])]);
        assert_eq!(judge(&bad), ["reeve-app may not use reeve-store"]);
    }

    #[test]
    fn pages_reach_no_database_by_any_path() {
        let bad = metadata(&[("reeve-app", &[("helpful", None)]), ("helpful", &[("sqlx", None)]), ("sqlx", &[])]);
        assert_eq!(judge(&bad), ["reeve-app reaches sqlx: reeve-app → helpful → sqlx"]);
    }

    #[test]
    fn the_model_and_the_rules_stay_pure() {
        let bad = metadata(&[("reeve-model", &[("tokio", None)]), ("reeve-rules", &[("tokio", None)]), ("tokio", &[])]);
        assert_eq!(judge(&bad), ["reeve-model reaches tokio: reeve-model → tokio", "reeve-rules reaches tokio: reeve-rules → tokio"]);
    }

    #[test]
    fn a_crate_without_a_room_is_refused() {
        let findings = judge(&metadata(&[("reeve-attic", &[])]));
        assert!(findings[0].starts_with("reeve-attic has no room"), "{findings:?}");
    }
}
