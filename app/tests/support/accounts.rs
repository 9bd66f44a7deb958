//! Accounts that are made up, one of them by somebody hostile.

use super::{HOSTILE, Scenario, ports::Fake};
use async_trait::async_trait;
use reeve_access::{
    Grant,
    permission::{ChangeAccount, ChangeAccounts, ChangeOwnAccount, ViewAccount, ViewAccounts, ViewOwnAccount},
    policy::POLICY,
};
use reeve_model::{
    Binding, Origin, UnixMs,
    account::{AccountDetail, AccountList, AccountView, InviteOffer, InviteView, MadeSecret, OwnAccount, SessionView, TokenView},
};
use reeve_ports::{Acceptance, AccountsPort, NewInvite, NewToken, PortError};

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;
pub const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";

pub fn account(now: UnixMs, id: &str, email: &str, name: &str, bindings: &[&str], sessions: u32) -> AccountView {
    AccountView {
        id: id.into(),
        email: email.into(),
        display_name: name.into(),
        bindings: bindings.iter().map(|b| Binding::try_from((*b).to_owned()).expect("a binding")).collect(),
        created_at: now.plus_ms(-90 * DAY),
        disabled_at: None,
        last_sign_in: (sessions > 0).then(|| now.plus_ms(-42 * MINUTE)),
        sessions,
        tokens: sessions / 2,
    }
}

pub fn list(now: UnixMs) -> AccountList {
    let mut gone = account(now, "6", "otto.left@example.org", "Otto Left", &["viewer"], 0);
    gone.disabled_at = Some(now.plus_ms(-12 * DAY));
    gone.last_sign_in = Some(now.plus_ms(-13 * DAY));
    let bindings = |b: &[&str]| account(now, "", "", "", b, 0).bindings;
    AccountList {
        accounts: vec![
            account(now, "1", "admin@example.org", "Ada Admin", &["admin"], 3),
            account(now, "2", "bo.operator@example.org", "Bo Operator", &["operator@environment:prod", "viewer"], 2),
            account(now, "3", "ines.officer@example.org", "Ines Officer", &["security_officer"], 1),
            account(now, "4", HOSTILE, HOSTILE, &["viewer@target:findawise", "viewer@tag:sample"], 1),
            account(now, "5", "nina.new@example.org", "Nina New", &[], 0),
            gone,
        ],
        invites: vec![
            InviteView {
                id: "i1".into(),
                email: "joe.joins@example.org".into(),
                bindings: bindings(&["operator@tag:sample"]),
                reset: false,
                made_by: "admin@example.org".into(),
                created_at: now.plus_ms(-3 * 60 * MINUTE),
                expires_at: now.plus_ms(2 * DAY),
            },
            InviteView {
                id: "i2".into(),
                email: "bo.operator@example.org".into(),
                bindings: Vec::new(),
                reset: true,
                made_by: "admin@example.org".into(),
                created_at: now.plus_ms(-9 * MINUTE),
                expires_at: now.plus_ms(DAY),
            },
        ],
    }
}

pub fn sessions(now: UnixMs) -> Vec<SessionView> {
    let one = |id: &str, via: &str, since: i64, seen: i64, address: &str, agent: &str, current| SessionView {
        id: id.into(),
        via: via.into(),
        created_at: now.plus_ms(-since * MINUTE),
        last_seen: now.plus_ms(-seen * MINUTE),
        expires_at: now.plus_ms(DAY),
        address: address.into(),
        agent: agent.into(),
        current,
    };
    vec![
        one("s1", "session", 42, 0, "10.20.0.14", FIREFOX, true),
        one("s2", "bearer", 1500, 64, "2001:db8:85a3::8a2e:370:7334", HOSTILE, false),
        one("s3", "session", 4000, 3900, "", "", false),
    ]
}

pub fn tokens(now: UnixMs) -> Vec<TokenView> {
    let one = |id: &str, name: &str, scopes: &[&str], made: i64, ends: i64, used: Option<i64>, revoked: Option<i64>| TokenView {
        id: id.into(),
        name: name.into(),
        scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
        created_at: now.plus_ms(-made * DAY),
        expires_at: now.plus_ms(ends * DAY),
        last_used: used.map(|m| now.plus_ms(-m * MINUTE)),
        revoked_at: revoked.map(|d| now.plus_ms(-d * DAY)),
    };
    vec![
        one("t1", "prometheus", &["read metrics"], 20, 70, Some(1), None),
        one("t2", HOSTILE, &["view estate", "view target", "view tables", "view table"], 80, 10, None, None),
        one("t3", "old laptop", &["view estate"], 60, 305, Some(50_000), Some(5)),
        one("t4", "trial", &["view estate"], 35, -5, Some(9000), None),
    ]
}

fn refused<T>() -> Result<T, PortError> {
    Err(PortError::Unavailable("Nothing is changed here.".into()))
}

#[async_trait]
impl AccountsPort for Fake {
    async fn own(&self, grant: Grant<ViewOwnAccount>) -> Result<OwnAccount, PortError> {
        let now = UnixMs::now();
        let p = grant.principal();
        let calm = self.0 == Scenario::Empty;
        let grantable = POLICY.iter().filter(|r| !r.noun.starts_with("own") && r.noun != "policy" && p.may(r.verb, r.noun));
        Ok(OwnAccount {
            account: AccountView { bindings: p.bindings.clone(), ..account(now, &p.account, &p.email, "Ada Admin", &[], 3) },
            sessions: if calm { sessions(now).into_iter().take(1).collect() } else { sessions(now) },
            tokens: if calm { Vec::new() } else { tokens(now) },
            grantable: grantable.map(|r| (format!("{} {}", r.verb, r.noun), r.does.to_owned())).collect(),
        })
    }
    async fn change_password(&self, _: Grant<ChangeOwnAccount>, _: &str, _: &str) -> Result<(), PortError> {
        refused()
    }
    async fn end_own_session(&self, _: Grant<ChangeOwnAccount>, _: &str) -> Result<(), PortError> {
        refused()
    }
    async fn make_token(&self, _: Grant<ChangeOwnAccount>, _: NewToken) -> Result<MadeSecret, PortError> {
        refused()
    }
    async fn revoke_own_token(&self, _: Grant<ChangeOwnAccount>, _: &str) -> Result<(), PortError> {
        refused()
    }
    async fn accounts(&self, _: Grant<ViewAccounts>) -> Result<AccountList, PortError> {
        let mut list = list(UnixMs::now());
        if self.0 == Scenario::Empty {
            list.accounts.truncate(1);
            list.invites.clear();
        }
        Ok(list)
    }
    async fn account(&self, grant: Grant<ViewAccount>) -> Result<AccountDetail, PortError> {
        let now = UnixMs::now();
        let account = list(now).accounts.into_iter().find(|a| a.id == *grant.resource());
        let account = account.ok_or_else(|| PortError::NotFound("There is no such account.".into()))?;
        let alive = account.sessions > 0;
        Ok(AccountDetail {
            sessions: if alive { sessions(now).into_iter().skip(1).collect() } else { Vec::new() },
            tokens: if alive { tokens(now) } else { Vec::new() },
            account,
        })
    }
    async fn invite(&self, _: Grant<ChangeAccounts>, _: NewInvite) -> Result<MadeSecret, PortError> {
        refused()
    }
    async fn withdraw_invite(&self, _: Grant<ChangeAccounts>, _: &str) -> Result<(), PortError> {
        refused()
    }
    async fn set_bindings(&self, _: Grant<ChangeAccount>, _: Vec<Binding>) -> Result<(), PortError> {
        refused()
    }
    async fn set_disabled(&self, _: Grant<ChangeAccount>, _: bool) -> Result<(), PortError> {
        refused()
    }
    async fn reset(&self, _: Grant<ChangeAccount>) -> Result<MadeSecret, PortError> {
        refused()
    }
    async fn end_session(&self, _: Grant<ChangeAccount>, _: &str) -> Result<(), PortError> {
        refused()
    }
    async fn revoke_token(&self, _: Grant<ChangeAccount>, _: &str) -> Result<(), PortError> {
        refused()
    }
    async fn offer(&self, _: &str, _: &Origin) -> Result<InviteOffer, PortError> {
        refused()
    }
    async fn accept(&self, _: &str, _: Acceptance, _: &Origin) -> Result<String, PortError> {
        refused()
    }
}
