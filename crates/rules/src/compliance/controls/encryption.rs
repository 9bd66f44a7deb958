//! What crosses the network, and whether it can be read there.

use super::{alter, edit};
use crate::compliance::{
    control::{Control, RELOAD, Tally},
    hba::{Rule, unreadable},
    look::Gap,
    sql::shown,
};

/// Nothing crosses a network where nothing listens on one.
fn listens(t: &Tally<'_>) -> Result<(), Gap> {
    if t.look.socket_only()? {
        return Err(Gap::NotApplicable("The server listens on no network: listen_addresses is empty.".to_owned()));
    }
    Ok(())
}

/// ENC-01
pub const TLS_ON: Control = Control {
    id: "ENC-01",
    why: "Without TLS everything, passwords aside, crosses the network in clear.",
    evidence: &["settings"],
    advice: "Give the server a certificate and switch ssl on.",
    lock: RELOAD,
    judge: |t| {
        listens(t)?;
        let value = t.look.setting("ssl")?;
        t.judged(1);
        if value != "on" {
            let (fix, undo) = alter("ssl", "on", value, false);
            t.object("ssl", "The server offers no TLS.", format!("Put server.crt and server.key in place, then: {fix}"), undo);
        }
        Ok(())
    },
};

/// ENC-02
pub const TLS_VERSION: Control = Control {
    id: "ENC-02",
    why: "Versions before 1.2 are broken.",
    evidence: &["settings"],
    advice: "Set ssl_min_protocol_version to TLSv1.2 or TLSv1.3.",
    lock: RELOAD,
    judge: |t| {
        listens(t)?;
        let value = t.look.setting("ssl_min_protocol_version")?;
        t.judged(1);
        t.note("Judged by the setting; no handshake was tried.");
        if !matches!(value, "TLSv1.2" | "TLSv1.3") {
            let (fix, undo) = alter("ssl_min_protocol_version", "TLSv1.2", value, false);
            let shown = if value.is_empty() { "any version" } else { value };
            t.object("ssl_min_protocol_version", format!("The server still speaks {shown}."), fix, undo);
        }
        Ok(())
    },
};

/// ENC-03
pub const TLS_FORCED: Control = Control {
    id: "ENC-03",
    why: "Where a rule does not ask for TLS, the client decides, and so does whoever stands between.",
    evidence: &["hba"],
    advice: "Turn remote rules into hostssl.",
    lock: RELOAD,
    judge: |t| {
        let rows = t.server("hba")?;
        if rows.iter().any(unreadable) {
            t.gap("A line of pg_hba.conf can't be read by the server.");
        }
        let rules = Rule::read(&rows);
        t.judged(rules.len() as u64);
        for rule in rules.iter().filter(|r| r.remote() && !r.encrypted() && !r.rejects()) {
            let (fix, undo) = edit(&rule.place, &format!("write hostssl instead of {}", rule.kind));
            t.object(rule.place.clone(), format!("{} without asking for TLS.", rule.sentence()), fix, undo);
        }
        Ok(())
    },
};

/// ENC-04
pub const LIVE_CLEAR: Control = Control {
    id: "ENC-04",
    why: "These sessions can be read on the way right now.",
    evidence: &["sessions"],
    advice: "Let these clients connect with sslmode=verify-full.",
    lock: RELOAD,
    judge: |t| {
        let rows = t.server("sessions")?;
        t.note("Sessions over the network at the moment of the scan; what came and went between scans was not seen.");
        for row in rows.iter().filter(|r| r.text("origin") == "network") {
            t.judged(row.number("sessions").and_then(|n| u64::try_from(n).ok()).unwrap_or(0));
        }
        for row in rows.iter().filter(|r| r.text("origin") == "network" && !r.yes("encrypted")) {
            let (role, database) = (shown(row.text("role")), shown(row.text("database")));
            t.object(
                format!("{role} in {database}"),
                format!("{} sessions of {role} in {database} come over the network without encryption.", row.text("sessions")),
                "Let the client connect with sslmode=verify-full, and write hostssl in pg_hba.conf.",
                "Put the former sslmode back.",
            );
        }
        Ok(())
    },
};

/// ENC-05
pub const CIPHERS: Control = Control {
    id: "ENC-05",
    why: "A weak cipher is used as soon as a client asks for it, and without forward secrecy a stolen key opens what was recorded before.",
    evidence: &["settings"],
    advice: "Name strong ciphers with forward secrecy and let the server choose.",
    lock: RELOAD,
    judge: |t| {
        listens(t)?;
        let value = t.look.setting("ssl_ciphers")?;
        let prefer = t.look.setting("ssl_prefer_server_ciphers")?;
        t.judged(2);
        let weak = weak_ciphers(value);
        if !weak.is_empty() {
            let (fix, undo) = alter("ssl_ciphers", "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL", value, false);
            t.object("ssl_ciphers", format!("ssl_ciphers lets in {}.", weak.join(", ")), fix, undo);
        }
        if prefer != "on" {
            let (fix, undo) = alter("ssl_prefer_server_ciphers", "on", prefer, false);
            t.object("ssl_prefer_server_ciphers", "The client chooses the cipher.", fix, undo);
        }
        Ok(())
    },
};

/// Parts of an OpenSSL cipher list that let in what is weak or lacks forward secrecy.
fn weak_ciphers(list: &str) -> Vec<String> {
    let words: Vec<&str> = list.split([':', ',', ' ']).filter(|w| !w.is_empty()).collect();
    let never = |what: &str| words.iter().any(|w| w.strip_prefix('!') == Some(what));
    let forward = |word: &str| ["ECDHE", "EECDH", "DHE", "EDH", "TLS_"].iter().any(|f| word.contains(f));
    let mut weak = Vec::new();
    for word in words.iter().filter(|w| !w.starts_with(['!', '-', '+', '@'])) {
        let whole = matches!(*word, "ALL" | "DEFAULT" | "HIGH" | "MEDIUM" | "LOW" | "COMPLEMENTOFALL" | "COMPLEMENTOFDEFAULT");
        let bad = ["NULL", "EXP", "RC4", "3DES", "DES-CBC", "MD5", "ADH", "AECDH", "IDEA", "SEED", "LOW"].iter().any(|b| word.contains(b));
        let broken = bad || (*word == "MEDIUM" && !(never("3DES") && never("RC4")));
        let secret = if whole { never("kRSA") || never("RSA") } else { forward(word) };
        if broken {
            weak.push((*word).to_owned());
        } else if !secret {
            weak.push(format!("{word} without forward secrecy"));
        }
    }
    weak
}

/// ENC-07
pub const REPLICATION_TLS: Control = Control {
    id: "ENC-07",
    why: "Replication carries every row; a standby that does not check its source takes rows from anybody.",
    evidence: &["replication", "receiver"],
    advice: "Let standbys connect with sslmode=verify-full.",
    lock: RELOAD,
    judge: |t| {
        let standbys = t.server("replication")?;
        let receivers = t.server("receiver")?;
        if standbys.is_empty() && receivers.is_empty() && !t.look.set.standby {
            return Err(Gap::NotApplicable("Nothing replicates from or to this server.".to_owned()));
        }
        // What never leaves the machine has no traffic that anybody could listen to.
        let far = standbys.iter().filter(|r| r.text("origin") == "network").count() + receivers.iter().filter(|r| !r.yes("socket")).count();
        if far == 0 && !(t.look.set.standby && receivers.is_empty()) {
            return Err(Gap::NotApplicable("Replication does not leave this machine.".to_owned()));
        }
        t.judged(far as u64);
        for row in standbys.iter().filter(|r| r.text("origin") == "network" && !r.yes("encrypted")) {
            let name = shown(row.text("name"));
            t.object(
                format!("standby {name}"),
                format!("{name} streams over the network without encryption."),
                format!("On {name}: write sslmode=verify-full in primary_conninfo and reload."),
                "Put the former primary_conninfo back and reload.",
            );
        }
        for row in receivers.iter().filter(|r| !r.yes("socket") && !matches!(r.text("tls_mode"), "verify-ca" | "verify-full")) {
            t.object(
                "primary_conninfo",
                format!("This standby connects with sslmode={}, so it does not check who sends.", row.text("tls_mode")),
                "Write sslmode=verify-full in primary_conninfo; SELECT pg_reload_conf();",
                "Put the former primary_conninfo back; SELECT pg_reload_conf();",
            );
        }
        if t.look.set.standby && receivers.is_empty() {
            t.gap("This standby is not connected to its source at present, so the encryption can't be seen.");
        }
        Ok(())
    },
};

/// ENC-08
pub const OWN_CONNECTION: Control = Control {
    id: "ENC-08",
    why: "Reeve signs in everywhere; whoever can pretend to be a server gets its login.",
    evidence: &["connection"],
    advice: "Write sslmode=verify-full and sslrootcert in the targets' addresses.",
    lock: "locks nothing; Reeve connects anew",
    judge: |t| {
        let rows = t.server("connection")?;
        let Some(row) = rows.first() else { return Err(Gap::Unknown("Reeve's own connection was not noted.".to_owned())) };
        if row.yes("socket") {
            return Err(Gap::NotApplicable("Reeve connects through the local socket.".to_owned()));
        }
        t.judged(1);
        if row.text("tls_mode") != "verify-full" || !row.yes("encrypted") {
            let encrypted = if row.yes("encrypted") { "encrypted" } else { "not encrypted" };
            t.object(
                "Reeve's connection",
                format!("Reeve connects with sslmode={} and is {encrypted}.", row.text("tls_mode")),
                "In Reeve's configuration, write sslmode=verify-full and sslrootcert in the address of this target.",
                "Put the former address back.",
            );
        }
        Ok(())
    },
};

#[cfg(test)]
mod tests {
    use super::weak_ciphers;

    #[test]
    fn e1_weak_ciphers_are_found_in_the_list() {
        assert_eq!(weak_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"), Vec::<String>::new());
        assert_eq!(weak_ciphers("HIGH:!aNULL:!kRSA"), Vec::<String>::new());
        assert_eq!(weak_ciphers("HIGH:MEDIUM:+3DES:!aNULL"), ["HIGH without forward secrecy", "MEDIUM"]);
        assert_eq!(weak_ciphers("AES128-SHA:ECDHE-RSA-RC4-SHA"), ["AES128-SHA without forward secrecy", "ECDHE-RSA-RC4-SHA"]);
    }
}
