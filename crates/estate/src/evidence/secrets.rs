//! Patterns of secrets, matched by the server, so that the secret itself never leaves it.

/// In commands, connection strings and comments: `password=…`, a URL with a password, a private key, a token of a known provider.
const IN_TEXT: &str = r#"(\mpassword=[^][:space:]'"$%{(<]{3,}|[a-z]+://[^][:space:]:/@']+:[^][:space:]@/'$%{<]{3,}@|-----BEGIN [A-Z ]*PRIVATE KEY-----|\mAKIA[0-9A-Z]{16}\M|\mgh[pousr]_[A-Za-z0-9]{20,}|\m[rs]k_live_[A-Za-z0-9]{10,}|\mxox[abp]-[0-9A-Za-z-]{10,})"#;

/// In code: the same inside literals, a literal given to something called password, and `PASSWORD '…'`.
const IN_CODE: &str = r#"('[^']*\mpassword=[^][:space:]'"$%{(<]{3,}|[a-z]+://[^][:space:]:/@']+:[^][:space:]@/'$%{<]{3,}@|-----BEGIN [A-Z ]*PRIVATE KEY-----|\mAKIA[0-9A-Z]{16}\M|\mgh[pousr]_[A-Za-z0-9]{20,}|\m[rs]k_live_[A-Za-z0-9]{10,}|\mxox[abp]-[0-9A-Za-z-]{10,}|\m(password|passwd|pwd|secret|api_?key|access_?key|secret_?key|auth_?token)\M\s*(=>|:=|=)\s*'[^'[:space:]%]{8,}'|\mPASSWORD\s+'[^'%]+')"#;

/// Names of settings whose value is a secret.
const NAME: &str = "(password|passwd|secret|token|salt|api_?key|private_?key|encryption_?key|secret_?key)$";

/// Puts the patterns where a statement names them, as literals.
pub(super) fn insert(sql: &str) -> String {
    let literal = |pattern: &str| format!("'{}'", pattern.replace('\'', "''"));
    sql.replace("{secret in text}", &literal(IN_TEXT))
        .replace("{secret in code}", &literal(IN_CODE))
        .replace("{secret name}", &literal(NAME))
}

#[cfg(test)]
mod tests {
    #[test]
    fn e1_patterns_become_literals() {
        let sql = super::insert("SELECT a ~* {secret in code}, b ~* {secret name}");
        assert!(sql.contains(" ~* '(''[^'']*") && !sql.contains("{secret") && sql.ends_with(")$'"), "{sql}");
    }
}
