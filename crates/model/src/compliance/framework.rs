//! Laws and standards, their clauses, and what the evidence says about each.

use super::{Attestation, Severity};
use serde::{Deserialize, Serialize};

/// A law or standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Framework {
    /// EU General Data Protection Regulation.
    Gdpr,
    /// California Consumer Privacy Act as amended, and its regulations.
    Ccpa,
    /// Brazil's Lei Geral de Proteção de Dados.
    Lgpd,
    /// Canada's Personal Information Protection and Electronic Documents Act.
    Pipeda,
    /// US HIPAA Security Rule.
    Hipaa,
}

impl Framework {
    /// All.
    pub const ALL: [Self; 5] = [Self::Gdpr, Self::Ccpa, Self::Lgpd, Self::Pipeda, Self::Hipaa];

    /// The word used in the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Gdpr => "gdpr",
            Self::Ccpa => "ccpa",
            Self::Lgpd => "lgpd",
            Self::Pipeda => "pipeda",
            Self::Hipaa => "hipaa",
        }
    }

    /// From its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.word() == word)
    }

    /// The name a person knows.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Gdpr => "GDPR",
            Self::Ccpa => "CCPA/CPRA",
            Self::Lgpd => "LGPD",
            Self::Pipeda => "PIPEDA",
            Self::Hipaa => "HIPAA",
        }
    }

    /// How a clause is cited, for example `Art. 32(1)(b)`.
    #[must_use]
    pub fn cite(self, clause: &str) -> String {
        match self {
            Self::Gdpr | Self::Lgpd => format!("Art. {clause}"),
            // 11 CCR has four digits, the Civil Code three.
            Self::Ccpa if clause.starts_with('7') => format!("11 CCR § {clause}"),
            Self::Ccpa => format!("Cal. Civ. Code § 1798.{clause}"),
            Self::Pipeda if clause.starts_with("4.") => format!("Principle {clause}"),
            Self::Pipeda => format!("s. {clause}"),
            Self::Hipaa => format!("45 CFR § 164.{clause}"),
        }
    }
}

/// How a control bears on a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// Its result is evidence for the clause.
    Direct,
    /// It helps, but can never by itself count as evidence.
    Supporting,
}

/// A clause that a control bears on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClauseLink {
    /// Of which framework.
    pub framework: Framework,
    /// Key of the clause, for example `32(1)(b)`.
    pub clause: String,
    /// How.
    pub strength: Strength,
}

/// Whether a clause needs a person beside the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Human {
    /// Evidence is enough.
    No,
    /// Evidence and a person's word.
    Also,
    /// No database can show it.
    Only,
}

/// What the evidence says about a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClauseState {
    /// All its direct controls pass.
    Met,
    /// Some direct controls pass; others fail, are unknown or are not assessed.
    Partly,
    /// A critical direct control fails, or some fail and none passes.
    Unmet,
    /// None of its direct controls could be judged.
    Unknown,
    /// No control is direct evidence for it; supporting ones can't make it met.
    NoEvidence,
    /// Only a person can show it.
    OnlyPerson,
}

/// One clause with what is known about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clause {
    /// Key, for example `32(1)(b)`.
    pub key: String,
    /// How it is cited.
    pub citation: String,
    /// What it is about.
    pub title: String,
    /// Whether it needs a person.
    pub human: Human,
    /// What the evidence says.
    pub state: ClauseState,
    /// The evidence would do, but the person's word that it also needs is not there.
    pub attestation_missing: bool,
    /// A person's word for it that holds now. It changes no state: what is met is met by evidence.
    #[serde(default)]
    pub attested: Option<Attestation>,
    /// Direct controls that pass.
    pub passing: Vec<String>,
    /// Direct controls that fail, with their severity.
    pub failing: Vec<(String, Severity)>,
    /// Direct controls that could not be judged.
    pub unknown: Vec<String>,
    /// Direct controls that have nothing to judge here.
    pub not_applicable: Vec<String>,
    /// Direct controls that Reeve does not assess yet.
    pub not_assessed: Vec<String>,
    /// Supporting controls, whatever their state.
    pub supporting: Vec<String>,
    /// Those of them that fail. It changes no state, and nobody should have to find out by themselves.
    #[serde(default)]
    pub supporting_failing: Vec<String>,
}

impl Clause {
    /// Evidence speaks against it: a control that is direct evidence fails. Nobody's word stands in for that.
    #[must_use]
    pub fn contradicted(&self) -> bool {
        !self.failing.is_empty()
    }
}

/// One framework with what is known about its clauses. Never a lone percentage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameworkView {
    /// Which.
    pub framework: Framework,
    /// Its name.
    pub title: String,
    /// Edition and date of the mapping.
    pub edition: String,
    /// Clauses in the mapping.
    pub total: u32,
    /// Clauses whose direct controls all pass.
    pub met: u32,
    /// Clauses of which some direct controls pass.
    pub partly: u32,
    /// Clauses that the evidence speaks against.
    pub unmet: u32,
    /// Clauses with direct controls, none of which could be judged.
    pub unknown: u32,
    /// Clauses without direct evidence of any kind.
    pub no_evidence: u32,
    /// Clauses that only a person can show.
    pub only_person: u32,
    /// Clauses for which a person's word holds now.
    #[serde(default)]
    pub attested: u32,
    /// Clauses with at least one direct control that passed or failed: what stands behind the counts.
    pub evidenced: u32,
    /// The clauses.
    pub clauses: Vec<Clause>,
    /// What this is not.
    pub disclaimer: String,
}
