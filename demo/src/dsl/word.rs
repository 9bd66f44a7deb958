//! The type words, and what each becomes in PostgreSQL.

/// A type word of the `.tables` language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    /// A short word out of a vocabulary.
    Text,
    /// An upper-case code such as `CAL-0042`.
    Code,
    /// A lower-case name for an address.
    Slug,
    /// A name or heading of a few words.
    Title,
    /// A few sentences.
    Prose,
    /// A web address under example.com.
    Url,
    /// A whole number, 0 or more.
    Count,
    /// Whole seconds, 0 or more.
    Secs,
    /// An amount with two decimals, 0 or more.
    Money,
    /// A number with four decimals.
    Rate,
    /// 0 to 100.
    Pct,
    /// 0 to 1.
    Score,
    /// Yes or no.
    Bool,
    /// A moment.
    Time,
    /// A day.
    Date,
    /// A document.
    Json,
    /// A UUID.
    Uuid,
    /// A hex digest.
    Hash,
    /// A few labels.
    Tags,
    /// Degrees of latitude or longitude.
    Geo,
    /// An embedding.
    Vector,
    /// Personal: an e-mail address under example.com.
    Email,
    /// Personal: a telephone number out of the range kept for fiction.
    Phone,
    /// Personal: a person's name.
    Person,
    /// Personal: a number like a social security number, out of a range that is never issued.
    Ssn,
    /// Personal: a day of birth.
    Dob,
    /// Personal: a street address that doesn't exist.
    Address,
    /// Personal: a remark on somebody's health.
    HealthNote,
    /// Personal: an address out of the ranges kept for documentation.
    Ip,
    /// Personal: a passport number that starts with TEST.
    Passport,
    /// Personal: a bank account of a country that doesn't exist.
    Iban,
}

impl Word {
    /// Every word as it is written, with its meaning.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("text", Self::Text),
        ("code", Self::Code),
        ("slug", Self::Slug),
        ("title", Self::Title),
        ("prose", Self::Prose),
        ("url", Self::Url),
        ("count", Self::Count),
        ("secs", Self::Secs),
        ("money", Self::Money),
        ("rate", Self::Rate),
        ("pct", Self::Pct),
        ("score", Self::Score),
        ("bool", Self::Bool),
        ("time", Self::Time),
        ("date", Self::Date),
        ("json", Self::Json),
        ("uuid", Self::Uuid),
        ("hash", Self::Hash),
        ("tags", Self::Tags),
        ("geo", Self::Geo),
        ("vector", Self::Vector),
        ("email", Self::Email),
        ("phone", Self::Phone),
        ("person", Self::Person),
        ("ssn", Self::Ssn),
        ("dob", Self::Dob),
        ("address", Self::Address),
        ("health_note", Self::HealthNote),
        ("ip", Self::Ip),
        ("passport", Self::Passport),
        ("iban", Self::Iban),
    ];

    /// The word as it is written, or none when there is no such word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, word)| *word)
    }

    /// Whether such a column tells something about a person.
    pub fn is_personal(self) -> bool {
        matches!(
            self,
            Self::Email
                | Self::Phone
                | Self::Person
                | Self::Ssn
                | Self::Dob
                | Self::Address
                | Self::HealthNote
                | Self::Ip
                | Self::Passport
                | Self::Iban
        )
    }

    /// The type in PostgreSQL.
    pub fn sql_type(self) -> &'static str {
        match self {
            Self::Count | Self::Secs => "integer",
            Self::Money => "numeric(14,2)",
            Self::Rate => "numeric(12,4)",
            Self::Pct => "numeric(5,2)",
            Self::Score => "real",
            Self::Bool => "boolean",
            Self::Time => "timestamptz",
            Self::Date | Self::Dob => "date",
            Self::Json => "jsonb",
            Self::Uuid => "uuid",
            Self::Tags => "text[]",
            Self::Geo => "double precision",
            Self::Vector => "real[]",
            Self::Ip => "inet",
            _ => "text",
        }
    }

    /// The condition of the column's `CHECK`, where it has one.
    pub fn check(self, column: &str) -> Option<String> {
        match self {
            Self::Count | Self::Secs | Self::Money => Some(format!("{column} >= 0")),
            Self::Pct => Some(format!("{column} BETWEEN 0 AND 100")),
            Self::Score => Some(format!("{column} BETWEEN 0 AND 1")),
            Self::Email => Some(format!("{column} LIKE '%@%'")),
            _ => None,
        }
    }

    /// The column's default, where rows are often written without it.
    pub fn default_value(self) -> Option<&'static str> {
        match self {
            Self::Bool => Some("false"),
            Self::Count | Self::Secs => Some("0"),
            Self::Time => Some("now()"),
            Self::Json => Some("'{}'"),
            Self::Tags => Some("'{}'"),
            Self::Uuid => Some("gen_random_uuid()"),
            _ => None,
        }
    }
}
