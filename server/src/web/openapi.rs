//! The description of the HTTP API (OpenAPI 3.1), made from the route table.

use super::routes::{Access, Kind, ROUTES, Route};
use axum::Json;
use serde_json::{Map, Value, json};

/// Answers the description.
pub async fn describe() -> Json<Value> {
    Json(document())
}

/// The whole description.
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES.iter().filter(|r| matches!(r.kind, Kind::Data | Kind::Command)) {
        let entry = paths.entry(route.path.to_owned()).or_insert_with(|| json!({}));
        entry[route.method.to_ascii_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Reeve", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" } },
        "paths": paths,
        "components": {
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
            "schemas": schemas(),
        },
    })
}

fn operation(route: &Route) -> Value {
    let mut responses = json!({ "200": { "description": "Done.", "content": content(route.path) } });
    responses["429"] =
        json!({ "description": "Too many requests came from this address; Retry-After says when to come back.", "content": error() });
    if route.access != Access::Open {
        responses["401"] = json!({ "description": "Nobody is signed in, or the token has ended.", "content": error() });
        responses["403"] = json!({ "description": "Signed in, but not allowed.", "content": error() });
    }
    if route.kind == Kind::Command {
        responses["401"] = json!({ "description": "Unknown account or wrong password.", "content": error() });
        responses["422"] = json!({ "description": "The input can't be used.", "content": error() });
    }
    let id = format!("{}{}", route.method.to_ascii_lowercase(), route.path.replace(['/', '{', '}', '.', '-'], "_"));
    let mut out = json!({ "operationId": id, "summary": route.doc, "responses": responses, "parameters": parameters(route.path) });
    if route.access != Access::Open {
        out["security"] = json!([{ "bearer": [] }]);
    }
    if route.path == "/api/auth/login" {
        out["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Login" } } } });
    }
    out
}

fn parameters(path: &str) -> Value {
    let query = |name: &str, kind: &str, required: bool, doc: &str| json!({ "name": name, "in": "query", "required": required, "schema": { "type": kind }, "description": doc });
    let mut list: Vec<Value> = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{').and_then(|p| p.strip_suffix('}')))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    match path {
        "/api/targets/{name}/tables" => list.extend([
            query("database", "string", false, "Only this database."),
            query("schema", "string", false, "Only this schema."),
            query("search", "string", false, "Part of schema.table."),
            query("fault", "string", false, "Only tables with this fault."),
            query("sort", "string", false, "size, name, rows, dead, seq_scans, index_scans, growth or health."),
            query("reverse", "boolean", false, "Smallest first."),
            query("limit", "integer", false, "1 to 500; 50 when left out."),
            query("cursor", "string", false, "What a former answer gave as next."),
        ]),
        "/metrics/history" => list.extend([
            query("target", "string", true, "Name of the target."),
            query("metric", "string", true, "Id of the figure, for example connections.active or table.bytes."),
            query("object", "string", false, "database/schema.table, for figures of tables."),
            query("from", "integer", false, "Milliseconds since 1970; one hour before to when left out."),
            query("to", "integer", false, "Milliseconds since 1970; now when left out."),
        ]),
        "/api/compliance/findings" | "/api/compliance/findings.csv" => list.extend([
            query("severity", "string", false, "critical, high, medium, low or info."),
            query("state", "string", false, "open, regressed, accepted or fixed; all but fixed ones when left out."),
            query("target", "string", false, "Only of this target."),
            query("framework", "string", false, "gdpr, ccpa, lgpd, pipeda or hipaa."),
            query("control", "string", false, "Only of this control, for example AUTH-01."),
            query("text", "string", false, "Part of the object, the sentence, the control or its title."),
            query("limit", "integer", false, "1 to 500; 50 when left out. The table has no pages."),
            query("cursor", "string", false, "What a former answer gave as next."),
        ]),
        "/api/compliance/changes" => list.extend([
            query("target", "string", false, "Of which target; the first in reach when left out."),
            query("from", "string", false, "Id of the earlier scan; the one before to when left out."),
            query("to", "string", false, "Id of the later scan; the newest that found something new when left out."),
        ]),
        "/api/backups" => list.extend([
            query("target", "string", false, "Only of this target."),
            query("database", "string", false, "Only of this database."),
            query("trust", "string", false, "failed, written, intact, verified or drilled."),
            query("cursor", "string", false, "What a former answer gave as next."),
            query("limit", "integer", false, "1 to 500; 50 when left out."),
        ]),
        "/admin/live" => list.push(query("page", "string", true, "Path of the page that is watched.")),
        _ => {}
    }
    Value::Array(list)
}

fn content(path: &str) -> Value {
    let of = |name: &str| json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{name}") } } });
    match path {
        "/metrics" => json!({ "text/plain": { "schema": { "type": "string" } } }),
        "/admin/live" => json!({ "text/event-stream": { "schema": { "type": "string" } } }),
        "/api/auth/login" => of("Token"),
        "/api/health/databases" => of("Databases"),
        "/api/health/connections" => of("Connections"),
        "/api/db/health" => of("DbHealth"),
        "/api/targets" => of("TargetList"),
        "/api/targets/{name}/tables" => of("TableList"),
        "/metrics/history" => of("History"),
        "/api/security/audit" => of("AuditReport"),
        "/api/compliance/findings" => of("FindingList"),
        "/api/compliance/findings.csv" => json!({ "text/csv": { "schema": { "type": "string" } } }),
        "/live" | "/ready" | "/health" => of("Own"),
        _ => json!({ "application/json": { "schema": { "type": "object" } } }),
    }
}

fn error() -> Value {
    json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } })
}

fn object(fields: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> = fields.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    let required: Vec<&str> = fields.iter().map(|(k, _)| *k).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn schemas() -> Value {
    let text = || json!({ "type": "string" });
    let number = || json!({ "type": ["number", "null"] });
    let whole = || json!({ "type": ["integer", "null"] });
    let flag = || json!({ "type": "boolean" });
    let maybe = || json!({ "type": ["string", "null"] });
    let list =
        |items: Value| object(&[("items", json!({ "type": "array", "items": items })), ("next", json!({ "type": ["string", "null"] }))]);
    let pool = object(&[("totalConnections", whole()), ("idleConnections", whole()), ("waitingConnections", whole())]);
    let shape = [
        ("overall", text()),
        ("connections", object(&[("active", number()), ("idle", number()), ("max", number())])),
        ("performance", object(&[("avgQueryTime", number()), ("cacheHitRate", number())])),
        ("storage", object(&[("totalSize", number()), ("tableCount", number())])),
    ];
    let finding = object(&[
        ("fingerprint", text()),
        ("control", text()),
        ("title", text()),
        ("severity", text()),
        ("target", text()),
        ("database", json!({ "type": ["string", "null"] })),
        ("object", text()),
        ("sentence", text()),
        ("fix", text()),
        ("undo", text()),
        ("lock", text()),
        ("state", text()),
        ("first_seen", whole()),
        ("last_seen", whole()),
    ]);
    let mut listed = finding.clone();
    listed["properties"]["clauses"] = json!({ "type": "array", "items": text() });
    listed["properties"]["accepted_for"] = maybe();
    let score = object(&[
        ("proven", number()),
        ("uncapped", number()),
        ("upper", number()),
        ("with_accepted", number()),
        ("passed", whole()),
        ("failed", whole()),
        ("unknown", whole()),
        ("not_applicable", whole()),
    ]);
    let mut estate = shape.to_vec();
    estate.push(("targets", json!({ "type": "object", "additionalProperties": object(&shape) })));
    json!({
        "Error": object(&[("error", text()), ("message", text())]),
        "Login": object(&[("email", text()), ("password", text())]),
        "Token": object(&[("access_token", text()), ("token_type", text()), ("expires_in", whole())]),
        "Own": object(&[("status", text())]),
        "Databases": object(&[("main", flag()), ("analytics", flag()), ("documents", flag()), ("compliance", flag()), ("readReplica", flag())]),
        "Connections": json!({ "type": "object", "additionalProperties": pool }),
        "DbHealth": object(&estate),
        "TargetList": list(object(&[
            ("name", text()), ("kind", text()), ("environment", text()), ("region", maybe()), ("owner", maybe()), ("status", text()), ("reasons", json!({ "type": "array" })), ("age", number()),
        ])),
        "TableList": list(object(&[
            ("database", text()), ("schema", text()), ("name", text()), ("rows", number()), ("bytes", whole()), ("deadRows", whole()),
            ("growthBytes", whole()), ("seqScans", whole()), ("indexScans", whole()), ("locked", flag()), ("faults", json!({ "type": "array" })),
        ])),
        "AuditReport": object(&[
            ("at", whole()), ("score", score), ("compliance", json!({ "type": "array" })),
            ("vulnerabilities", json!({ "type": "array", "items": finding })), ("recommendations", json!({ "type": "array" })),
            ("coverage", json!({ "type": "object" })), ("targets", json!({ "type": "array" })), ("disclaimer", text()),
        ]),
        "FindingList": list(listed),
        "History": object(&[("target", text()), ("metric", text()), ("object", text()), ("points", json!({ "type": "array" }))]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b6_every_route_for_programs_is_described_and_every_reference_leads_somewhere() {
        let document = document();
        for route in ROUTES.iter().filter(|r| matches!(r.kind, Kind::Data | Kind::Command)) {
            assert!(document["paths"][route.path][route.method.to_ascii_lowercase()]["responses"]["200"].is_object(), "{}", route.path);
        }
        let text = document.to_string();
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().expect("a quote ends it");
            assert!(document["components"]["schemas"][name].is_object(), "{name} is not defined");
        }
    }
}
