//! Passwords: argon2id, on threads of their own, and never more at once than the machine bears.

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::{SaltString, rand_core::OsRng},
};
use secrecy::{ExposeSecret, SecretString};
use std::{sync::Arc, thread};
use tokio::sync::{Mutex, mpsc, oneshot};

/// Memory of one hash, KiB (19 MiB, the OWASP row for two passes).
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes.
const PASSES: u32 = 2;
/// Shortest password, characters.
pub const LEAST_CHARS: usize = 8;
/// Longest password that is hashed, bytes. Longer ones are refused before any work.
pub const MAX_BYTES: usize = 1024;
/// Passwords that wait for a thread; more callers wait for a place.
const WAITING: usize = 32;

type Job = Box<dyn FnOnce() + Send>;

/// Hashes and checks passwords. Cheap to clone.
///
/// The work runs on plain threads that live as long as this: the runtime's pool for blocking work would start a thread for
/// each of a flood, and keep the memory of every one of them.
#[derive(Clone)]
pub struct Passwords {
    argon: Argon2<'static>,
    jobs: mpsc::Sender<Job>,
    /// Checked when the account doesn't exist, so that the answer takes as long.
    decoy: Arc<str>,
}

/// Hashing failed; only when the system has no memory, no threads or no randomness.
#[derive(Debug, thiserror::Error)]
#[error("The password could not be hashed ({0}).")]
pub struct HashError(String);

/// What checking a password found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// Wrong, or there is no such account.
    Wrong,
    /// Right.
    Right,
    /// Right, and its hash was made with other parameters than today's: hash it anew.
    RightButOld,
}

impl Passwords {
    /// A hasher that works on at most `at_once` passwords at the same time.
    ///
    /// # Errors
    /// [`HashError`] when the decoy can't be made or no thread started.
    pub fn new(at_once: usize) -> Result<Self, HashError> {
        let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|e| HashError(e.to_string()))?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash_with(&argon, "nobody has this password")?;
        let (jobs, queue) = mpsc::channel::<Job>(WAITING);
        let queue = Arc::new(Mutex::new(queue));
        for n in 0..at_once.max(1) {
            let queue = Arc::clone(&queue);
            let work = move || {
                // Bound before the loop's body, so that the lock is given back before the work begins.
                while let Some(job) = { queue.blocking_lock().blocking_recv() } {
                    job();
                }
            };
            thread::Builder::new().name(format!("passwords {n}")).spawn(work).map_err(|e| HashError(e.to_string()))?;
        }
        Ok(Self { argon, jobs, decoy: decoy.into() })
    }

    /// Makes the hash to store.
    ///
    /// # Errors
    /// [`HashError`] when the system has no memory or randomness.
    pub async fn hash(&self, password: SecretString) -> Result<String, HashError> {
        let argon = self.argon.clone();
        self.in_turn(move || hash_with(&argon, password.expose_secret())).await?
    }

    /// Checks a password against a stored hash, or against the decoy when there is none.
    ///
    /// # Errors
    /// [`HashError`] when the work could not be done; a wrong password is [`Checked::Wrong`].
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<Checked, HashError> {
        let (argon, decoy) = (self.argon.clone(), Arc::clone(&self.decoy));
        self.in_turn(move || {
            let known = stored.is_some();
            let text = stored.unwrap_or_else(|| decoy.to_string());
            let Ok(hash) = PasswordHash::new(&text) else { return Checked::Wrong };
            let right = argon.verify_password(password.expose_secret().as_bytes(), &hash).is_ok();
            match known && right {
                false => Checked::Wrong,
                true if is_current(&hash) => Checked::Right,
                true => Checked::RightButOld,
            }
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
        let (reply, answer) = oneshot::channel();
        let job = move || {
            // A caller who hung up while waiting is spared the work.
            if !reply.is_closed() {
                // Or hangs up now: then nobody wants the answer.
                let _ = reply.send(work());
            }
        };
        let ended = || HashError("its thread has ended".to_owned());
        self.jobs.send(Box::new(job)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())
    }
}

fn hash_with(argon: &Argon2<'_>, password: &str) -> Result<String, HashError> {
    let salt = SaltString::generate(&mut OsRng);
    argon.hash_password(password.as_bytes(), &salt).map(|h| h.to_string()).map_err(|e| HashError(e.to_string()))
}

/// Whether a hash was made with today's algorithm and parameters.
fn is_current(hash: &PasswordHash<'_>) -> bool {
    let params = Params::try_from(hash).ok();
    hash.algorithm == argon2::ARGON2ID_IDENT && params.is_some_and(|p| p.m_cost() == MEMORY_KIB && p.t_cost() == PASSES && p.p_cost() == 1)
}

/// Why a new password can't be taken, in one sentence. No rules of composition: length, and that it isn't easy to guess.
///
/// # Errors
/// The sentence.
pub fn judge_new(password: &str, about: &[&str]) -> Result<(), String> {
    let length = password.chars().count();
    if length < LEAST_CHARS {
        return Err(format!("The password has {length} characters; take {LEAST_CHARS} at least, better 15 or more."));
    }
    if password.len() > MAX_BYTES {
        return Err(format!("The password is longer than {MAX_BYTES} bytes; take a shorter one."));
    }
    let mut words = vec!["reeve"];
    for word in about {
        words.push(word);
        words.extend(word.split_once('@').map(|(local, _)| local));
        words.extend(word.split(['@', '.', ' ', '-', '_']).filter(|part| part.len() > 2));
    }
    // Guessing is judged by the beginning: the estimate's cost grows with the square of the length, and what is long enough is good.
    let head: String = password.chars().take(64).collect();
    if zxcvbn::zxcvbn(&head, &words).score() < zxcvbn::Score::Two {
        return Err(
            "This password is easy to guess: it is a common one, or made of your name or of a simple pattern. Take another.".to_owned()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn g1_right_wrong_and_unknown() {
        let passwords = Passwords::new(1).expect("argon2 parameters");
        let stored = passwords.hash("correct horse".into()).await.expect("hash");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let check = |password: &str, hash: Option<&str>| passwords.verify(password.into(), hash.map(str::to_owned));
        assert_eq!(check("correct horse", Some(&stored)).await.expect("verify"), Checked::Right);
        assert_eq!(check("wrong", Some(&stored)).await.expect("verify"), Checked::Wrong);
        assert_eq!(check("nobody has this password", None).await.expect("verify"), Checked::Wrong, "the decoy lets nobody in");
        assert_eq!(check("x", Some("not a hash")).await.expect("verify"), Checked::Wrong);
    }

    #[tokio::test]
    async fn g1_a_hash_of_other_parameters_is_right_but_old() {
        let passwords = Passwords::new(1).expect("argon2 parameters");
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8 * 1024, 1, 1, None).expect("parameters"));
        let stored = hash_with(&weak, "correct horse").expect("hash");
        assert_eq!(passwords.verify("correct horse".into(), Some(stored)).await.expect("verify"), Checked::RightButOld);
    }

    /// AT-18: however many ask, two are never hashed at once, and who hangs up makes no room for another meanwhile.
    #[tokio::test]
    async fn at_18_a_flood_is_worked_off_one_by_one() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let passwords = Passwords::new(1).expect("argon2 parameters");
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let calls: Vec<_> = (0..100)
            .map(|n| {
                let (passwords, now, most) = (passwords.clone(), Arc::clone(&now), Arc::clone(&most));
                tokio::spawn(async move {
                    let work = move || {
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                    };
                    let call = passwords.in_turn(work);
                    if n % 3 == 0 {
                        drop(tokio::time::timeout(std::time::Duration::from_micros(50), call).await);
                    } else {
                        call.await.expect("done");
                    }
                })
            })
            .collect();
        for call in calls {
            call.await.expect("no panic");
        }
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn g1_new_passwords_are_judged_by_length_and_guessing_only() {
        for bad in ["short", "password123", "ann.lovelace", "aaaaaaaaaaaa", "qwertyuiop", &"x".repeat(MAX_BYTES + 1)] {
            assert!(judge_new(bad, &["ann.lovelace@example.org", "Ann"]).is_err(), "{bad}");
        }
        for good in [
            "correct horse battery staple",
            "a long test password",
            "Tr0ub4dor&3-and-more",
            "überraschend öde Äpfel",
            "Die Katze tritt die Treppe krumm, und der Hund bellt seit gestern im Hof",
        ] {
            assert_eq!(judge_new(good, &["ann@example.org"]), Ok(()), "{good}");
        }
    }
}
