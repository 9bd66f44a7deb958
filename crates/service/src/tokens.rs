//! Access tokens: short-lived JWTs signed with EdDSA. Claims identify; rights are looked up at each request.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use reeve_model::{UnixMs, account::Jwk};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Seconds an access token lives.
pub const LIFETIME_S: i64 = 15 * 60;
/// `iss` and `aud` of every token.
const ISSUER: &str = "reeve";
/// Header `typ` (RFC 9068): other tokens of the same key can't pass for an access token.
const TYPE: &str = "at+jwt";
/// Longer tokens are refused unread.
const MAX_BYTES: usize = 4096;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Account id.
    pub sub: String,
    /// Session id.
    pub sid: String,
    /// The account's epoch when it was signed; a change of rights raises it.
    pub epoch: i64,
    /// Issuer.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// Signed at, seconds.
    pub iat: i64,
    /// Not valid before, seconds.
    pub nbf: i64,
    /// Ends at, seconds.
    pub exp: i64,
    /// Unique id.
    pub jti: String,
}

/// One signing key.
#[derive(Clone)]
pub struct TokenKey {
    /// Key id, sent in the header.
    pub kid: String,
    public: [u8; 32],
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// Why a token is not accepted. Deliberately coarse: the caller learns nothing about which check failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours, changed, or of the wrong kind.
    #[error("The access token is not valid; sign in again.")]
    Invalid,
    /// Was good once.
    #[error("The access token has ended; sign in again.")]
    Expired,
    /// A key could not be used.
    #[error("The signing key can't be used.")]
    Key,
}

/// Makes a new private key: (key id, PKCS#8 DER).
///
/// # Errors
/// [`TokenError::Key`] when the system has no randomness.
pub fn generate() -> Result<(String, Vec<u8>), TokenError> {
    let mut seed = [0_u8; 32];
    getrandom::fill(&mut seed).map_err(|_| TokenError::Key)?;
    let der = SigningKey::from_bytes(&seed).to_pkcs8_der().map_err(|_| TokenError::Key)?;
    Ok((Uuid::new_v4().simple().to_string(), der.as_bytes().to_vec()))
}

impl TokenKey {
    /// A key from its stored form.
    ///
    /// # Errors
    /// [`TokenError::Key`] when the bytes are no Ed25519 key.
    pub fn from_pkcs8(kid: String, der: &[u8]) -> Result<Self, TokenError> {
        use ed25519_dalek::pkcs8::DecodePrivateKey;
        let signing = SigningKey::from_pkcs8_der(der).map_err(|_| TokenError::Key)?;
        let public = signing.verifying_key().to_bytes();
        Ok(Self { kid, public, encoding: EncodingKey::from_ed_der(der), decoding: DecodingKey::from_ed_der(&public) })
    }

    /// The public half, as other programs read it to verify tokens themselves.
    #[must_use]
    pub fn jwk(&self) -> Jwk {
        Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: URL_SAFE_NO_PAD.encode(self.public),
            kid: self.kid.clone(),
            alg: "EdDSA".to_owned(),
            use_: "sig".to_owned(),
        }
    }
}

/// Signs with the newest key, accepts all that are not retired.
#[derive(Clone, Default)]
pub struct Tokens {
    keys: BTreeMap<String, TokenKey>,
    newest: Option<String>,
}

impl Tokens {
    /// Keys, newest last.
    #[must_use]
    pub fn new(keys: Vec<TokenKey>) -> Self {
        let newest = keys.last().map(|k| k.kid.clone());
        Self { keys: keys.into_iter().map(|k| (k.kid.clone(), k)).collect(), newest }
    }

    /// The public keys of all, the one that signs first.
    #[must_use]
    pub fn public(&self) -> Vec<Jwk> {
        let mut keys: Vec<&TokenKey> = self.keys.values().collect();
        keys.sort_by_key(|key| Some(&key.kid) != self.newest.as_ref());
        keys.into_iter().map(TokenKey::jwk).collect()
    }

    /// Signs a token for a session.
    ///
    /// # Errors
    /// [`TokenError::Key`] when there is no usable key.
    pub fn sign(&self, account: &str, session: &str, epoch: i64, now: UnixMs) -> Result<String, TokenError> {
        let key = self.newest.as_ref().and_then(|kid| self.keys.get(kid)).ok_or(TokenError::Key)?;
        let at = now.0 / 1000;
        let claims = Claims {
            sub: account.to_owned(),
            sid: session.to_owned(),
            epoch,
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            iat: at,
            nbf: at,
            exp: at + LIFETIME_S,
            jti: Uuid::new_v4().simple().to_string(),
        };
        let header = Header { typ: Some(TYPE.to_owned()), kid: Some(key.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, &claims, &key.encoding).map_err(|_| TokenError::Key)
    }

    /// Checks signature, algorithm, type, issuer, audience and time, in that order of trust: nothing of an unsigned token is used but its `kid`.
    ///
    /// # Errors
    /// [`TokenError`], coarse on purpose.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        if token.len() > MAX_BYTES {
            return Err(TokenError::Invalid);
        }
        let header = decode_header(token).map_err(|_| TokenError::Invalid)?;
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(TYPE) {
            return Err(TokenError::Invalid);
        }
        let key = header.kid.and_then(|kid| self.keys.get(&kid)).ok_or(TokenError::Invalid)?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[ISSUER]);
        rules.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        rules.validate_nbf = true;
        rules.leeway = 5;
        decode::<Claims>(token, &key.decoding, &rules).map(|data| data.claims).map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::ExpiredSignature => TokenError::Expired,
            _ => TokenError::Invalid,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};

    fn tokens() -> Tokens {
        let (kid, der) = generate().expect("randomness");
        Tokens::new(vec![TokenKey::from_pkcs8(kid, &der).expect("a key")])
    }

    #[test]
    fn g1_a_token_round_trips_and_ends() {
        let tokens = tokens();
        let now = UnixMs::now();
        let good = tokens.sign("acc", "sid", 3, now).expect("sign");
        let claims = tokens.verify(&good).expect("verify");
        assert_eq!((claims.sub.as_str(), claims.sid.as_str(), claims.epoch), ("acc", "sid", 3));
        let old = tokens.sign("acc", "sid", 3, now.plus_ms(-(LIFETIME_S + 60) * 1000)).expect("sign");
        assert_eq!(tokens.verify(&old), Err(TokenError::Expired));
        let future = tokens.sign("acc", "sid", 3, now.plus_ms(600_000)).expect("sign");
        assert_eq!(tokens.verify(&future), Err(TokenError::Invalid));
    }

    /// AT-11, AT-12 and AT-13: forged headers, changed claims, stripped signatures.
    #[test]
    fn g1_forged_tokens_are_refused() {
        let tokens = tokens();
        let good = tokens.sign("acc", "sid", 1, UnixMs::now()).expect("sign");
        let parts: Vec<&str> = good.split('.').collect();
        let header = |json: &str| format!("{}.{}.{}", B64.encode(json), parts[1], parts[2]);
        let kid = decode_header(&good).expect("header").kid.expect("kid");
        let mut forged = vec![
            header(&format!("{{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"{kid}\"}}")),
            header(&format!("{{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"{kid}\"}}")),
            header(&format!("{{\"alg\":\"EdDSA\",\"typ\":\"refresh\",\"kid\":\"{kid}\"}}")),
            header("{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"../../etc/passwd\"}"),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}", parts[0], parts[1]),
            format!("{good}x"),
            String::new(),
            "a".repeat(10_000),
        ];
        for claims in ["{\"sub\":\"root\"}", "{\"exp\":\"9999999999\"}", "{\"exp\":1e400}", "[]"] {
            forged.push(format!("{}.{}.{}", parts[0], B64.encode(claims), parts[2]));
        }
        for token in forged {
            assert!(tokens.verify(&token).is_err(), "accepted {token}");
        }
        assert!(tokens.verify(&good).is_ok(), "the untouched one still passes");
        assert!(self::tokens().verify(&good).is_err(), "another key's token");
    }

    /// AT-12: claims of the wrong kind, in tokens whose signature is good: none may count as absent.
    #[test]
    fn at_12_signed_nonsense_is_refused() {
        let tokens = tokens();
        let now = UnixMs::now().0 / 1000;
        let kid = tokens.newest.clone().expect("a key");
        let sign = |claims: serde_json::Value, typ: &str| {
            let header = Header { typ: Some(typ.to_owned()), kid: Some(kid.clone()), ..Header::new(Algorithm::EdDSA) };
            encode(&header, &claims, &tokens.keys[&kid].encoding).expect("signed")
        };
        let good = serde_json::json!({
            "sub": "acc", "sid": "sid", "epoch": 1, "iss": ISSUER, "aud": ISSUER, "iat": now, "nbf": now, "exp": now + 60, "jti": "1"
        });
        assert!(tokens.verify(&sign(good.clone(), TYPE)).is_ok(), "what the rest is measured by");
        for typ in ["JWT", "refresh+jwt", "", "AT+JWT "] {
            assert!(tokens.verify(&sign(good.clone(), typ)).is_err(), "{typ}");
        }
        let exp = now + 60;
        for (claim, values) in [
            (
                "exp",
                vec![
                    serde_json::json!(exp.to_string()),
                    serde_json::json!(-exp),
                    serde_json::json!(null),
                    serde_json::json!([exp]),
                    serde_json::json!(1e300),
                    serde_json::json!(0),
                ],
            ),
            (
                "nbf",
                vec![
                    serde_json::json!((now + 3600).to_string()),
                    serde_json::json!(null),
                    serde_json::json!([now]),
                    serde_json::json!(now + 3600),
                    serde_json::json!({}),
                ],
            ),
            ("aud", vec![serde_json::json!(["reeve", "other"]), serde_json::json!("other"), serde_json::json!(null), serde_json::json!(7)]),
            ("iss", vec![serde_json::json!("other"), serde_json::json!(null), serde_json::json!(["other"])]),
            ("sub", vec![serde_json::json!(null), serde_json::json!(7), serde_json::json!(["acc"])]),
            ("sid", vec![serde_json::json!(null), serde_json::json!(7)]),
            ("epoch", vec![serde_json::json!("1"), serde_json::json!(1.5), serde_json::json!(null)]),
        ] {
            let mut without = good.clone();
            without.as_object_mut().expect("an object").remove(claim);
            assert!(tokens.verify(&sign(without, TYPE)).is_err(), "without {claim}");
            for value in values {
                let mut changed = good.clone();
                changed[claim] = value.clone();
                assert!(tokens.verify(&sign(changed, TYPE)).is_err(), "{claim} = {value}");
            }
        }
    }
}
