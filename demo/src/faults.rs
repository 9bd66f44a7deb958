//! The faults of the sample estate: the one list of them, and the one place they are made from.
//!
//! Tables, indexes and rows come from `schemas/*.tables` and are clean. Everything a good monitor should complain about
//! is in [`PLANTED`]: to plant another fault of a known kind, add a line here. A test reads the catalogues of a loaded
//! estate and finds these faults and no others.

/// What kind of fault was planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// A foreign key whose columns lead no index.
    MissingFkIndex,
    /// An index with the same table and key columns as another one.
    DuplicateIndex,
    /// An index of some size that no statement ever uses and that enforces nothing.
    UnusedIndex,
    /// An index that a failed `CREATE INDEX CONCURRENTLY` left behind.
    InvalidIndex,
    /// A table that is mostly dead rows and free space.
    BloatedTable,
    /// An integer sequence that is nearly used up.
    SequenceNearEnd,
    /// A column that tells something about a person.
    PiiColumn,
    /// A table without a primary key.
    NoPrimaryKey,
    /// A big table that statements read from end to end because no valid index leads with the column they filter by.
    MissingForScans,
}

/// One planted fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlantedFault {
    /// Stable id, unique in [`PLANTED`].
    pub id: &'static str,
    /// What kind of fault it is.
    pub kind: Kind,
    /// `schema.table` for whole tables, `schema.table.column` for columns, foreign keys and sequences (the column that
    /// draws from it), `schema.table.index` for indexes.
    pub object: &'static str,
    /// For indexes: the columns of the index, separated by a comma and a blank. Empty for the other kinds.
    pub columns: &'static str,
    /// What is wrong, as a person would say it.
    pub sentence: &'static str,
}

impl PlantedFault {
    /// `schema.table` of the object.
    pub fn table(&self) -> &'static str {
        let mut dots = self.object.match_indices('.').skip(1);
        dots.next().map_or(self.object, |(second, _)| &self.object[..second])
    }

    /// The column or index in the table; empty when the object is the whole table.
    pub fn part(&self) -> &'static str {
        self.object[self.table().len()..].trim_start_matches('.')
    }
}

/// The planted faults of one kind.
pub fn of_kind(kind: Kind) -> impl Iterator<Item = &'static PlantedFault> {
    PLANTED.iter().filter(move |fault| fault.kind == kind)
}

/// Whether this fault is planted on exactly this object.
pub(crate) fn is_planted(kind: Kind, object: &str) -> bool {
    of_kind(kind).any(|fault| fault.object == object)
}

const fn fault(id: &'static str, kind: Kind, object: &'static str, sentence: &'static str) -> PlantedFault {
    PlantedFault { id, kind, object, columns: "", sentence }
}

const fn index(id: &'static str, kind: Kind, object: &'static str, columns: &'static str, sentence: &'static str) -> PlantedFault {
    PlantedFault { id, kind, object, columns, sentence }
}

const fn personal(id: &'static str, object: &'static str, sentence: &'static str) -> PlantedFault {
    fault(id, Kind::PiiColumn, object, sentence)
}

/// Every planted fault.
#[rustfmt::skip] // One fault, one line (or two): the list is read, compared and counted.
pub const PLANTED: &[PlantedFault] = &[
    fault("fk-events-session", Kind::MissingFkIndex, "core.events.session_id",
        "No index leads with core.events.session_id, so deleting a session reads every event."),
    fault("fk-booking-events-booking", Kind::MissingFkIndex, "travel.booking_events.booking_id",
        "No index leads with travel.booking_events.booking_id, so the history of one booking is found by reading all."),
    fault("fk-xp-events-rule", Kind::MissingFkIndex, "education.xp_events.rule_id",
        "No index leads with education.xp_events.rule_id, so retiring a rule reads every award."),
    fault("fk-memory-edges-target", Kind::MissingFkIndex, "ai_ml.memory_edges.target_node_id",
        "The graph can be walked forwards by index, but not backwards: target_node_id has none."),

    index("dup-transactions-booked-at", Kind::DuplicateIndex, "finance.transactions.transactions_recent_idx", "booked_at",
        "transactions_recent_idx is the same as transactions_booked_at_idx and costs every booking a second write."),
    index("dup-users-email", Kind::DuplicateIndex, "core.users.users_email_lookup_idx", "email",
        "users_email_lookup_idx repeats the unique index that core.users.email has anyway."),

    index("unused-page-views-referrer", Kind::UnusedIndex, "core.page_views.page_views_referrer_idx", "referrer",
        "Nobody searches page views by referrer; the index is only written."),
    index("unused-readings-value", Kind::UnusedIndex, "health.metric_readings.metric_readings_value_idx", "value, quality",
        "Nobody searches readings by their value; the index is only written."),
    index("unused-inference-tokens", Kind::UnusedIndex, "ai_ml.inference_logs.inference_logs_tokens_idx", "completion_tokens, prompt_tokens",
        "An index made for one report that is gone; each call of a model still pays for it."),

    index("invalid-leaderboard-unique", Kind::InvalidIndex, "education.leaderboard_entries.leaderboard_entries_once_idx", "leaderboard_id, learner_id",
        "A unique index was tried concurrently, failed on learners listed twice, and was never dropped."),

    fault("bloat-heartbeats", Kind::BloatedTable, "core.session_heartbeats",
        "Autovacuum is switched off for core.session_heartbeats, which is updated in place: most of it is dead rows."),
    fault("sequence-deliveries", Kind::SequenceNearEnd, "core.webhook_deliveries.id",
        "The ids of core.webhook_deliveries are integers and 92 percent of them are used up."),
    fault("no-key-login-attempts", Kind::NoPrimaryKey, "security.login_attempts",
        "security.login_attempts has no primary key, so its rows can't be told apart or replicated logically."),
    fault("scans-bookings-confirmation", Kind::MissingForScans, "travel.bookings.confirmation_code",
        "Bookings are looked up by confirmation_code all day, and each time the whole table is read."),

    personal("pii-core-users-email", "core.users.email", "E-mail addresses of all users, in clear text."),
    personal("pii-core-users-full-name", "core.users.full_name", "Full names of all users, in clear text."),
    personal("pii-core-users-phone", "core.users.phone", "Telephone numbers of users, in clear text."),
    personal("pii-core-users-birth-date", "core.users.birth_date", "Days of birth of users, in clear text."),
    personal("pii-core-user-addresses-street-address", "core.user_addresses.street_address", "Postal addresses of users, in clear text."),
    personal("pii-core-sessions-ip-address", "core.sessions.ip_address", "Network addresses users signed in from, in clear text."),
    personal("pii-core-login-challenges-ip-address", "core.login_challenges.ip_address", "Network addresses that asked for a second factor, in clear text."),
    personal("pii-core-invitations-invitee-email", "core.invitations.invitee_email", "E-mail addresses of people who may have no account yet, in clear text."),
    personal("pii-finance-investor-profiles-tax-number", "finance.investor_profiles.tax_number", "Tax numbers in the form of social security numbers, in clear text."),
    personal("pii-finance-accounts-iban", "finance.accounts.iban", "Bank account numbers of customers, in clear text."),
    personal("pii-finance-affiliate-partners-contact-email", "finance.affiliate_partners.contact_email", "E-mail addresses of partners' contacts, in clear text."),
    personal("pii-health-member-profiles-birth-date", "health.member_profiles.birth_date", "Days of birth of members, in clear text."),
    personal("pii-health-member-profiles-clinical-note", "health.member_profiles.clinical_note", "Clinical remarks about members, in clear text."),
    personal("pii-health-emergency-contacts-contact-name", "health.emergency_contacts.contact_name", "Names of people to call in an emergency, in clear text."),
    personal("pii-health-emergency-contacts-contact-phone", "health.emergency_contacts.contact_phone", "Telephone numbers of people to call in an emergency, in clear text."),
    personal("pii-health-mood-entries-journal", "health.mood_entries.journal", "Free text of members on how they felt, in clear text."),
    personal("pii-health-practitioners-full-name", "health.practitioners.full_name", "Full names of practitioners, in clear text."),
    personal("pii-health-consultations-summary", "health.consultations.summary", "What was said in a consultation, in clear text."),
    personal("pii-saas-vendors-support-email", "saas.vendors.support_email", "E-mail addresses of vendors' support staff, in clear text."),
    personal("pii-education-learners-guardian-email", "education.learners.guardian_email", "E-mail addresses of learners' guardians, in clear text."),
    personal("pii-travel-travellers-passport-no", "travel.travellers.passport_no", "Passport numbers of travellers, in clear text."),
    personal("pii-travel-companions-full-name", "travel.companions.full_name", "Full names of people who travel along, in clear text."),
    personal("pii-travel-companions-birth-date", "travel.companions.birth_date", "Days of birth of people who travel along, in clear text."),
    personal("pii-travel-booking-guests-guest-name", "travel.booking_guests.guest_name", "Names of guests on a booking, in clear text."),
    personal("pii-travel-travel-partners-contact-email", "travel.travel_partners.contact_email", "E-mail addresses of travel partners' contacts, in clear text."),
    personal("pii-security-login-attempts-source-ip", "security.login_attempts.source_ip", "Network addresses that tried to sign in, in clear text."),
    personal("pii-security-blocked-addresses-source-ip", "security.blocked_addresses.source_ip", "Network addresses that are blocked, in clear text."),
    personal("pii-security-home-profiles-street-address", "security.home_profiles.street_address", "Where the assessed homes are, in clear text."),
    personal("pii-ai-ml-data-sources-contact-email", "ai_ml.data_sources.contact_email", "E-mail addresses of people behind a data source, in clear text."),
];

/// How much of an integer sequence is used up where [`Kind::SequenceNearEnd`] is planted: 92 percent of 2³¹ − 1, which is degraded; from 95 percent on the whole estate would stay critical.
pub const SEQUENCE_USED: i64 = 1_976_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i1_objects_split_into_table_and_part() {
        for fault in PLANTED {
            assert_eq!(fault.table().matches('.').count(), 1, "{}", fault.id);
            let whole = matches!(fault.kind, Kind::BloatedTable | Kind::NoPrimaryKey);
            assert_eq!(fault.part().is_empty(), whole, "{}", fault.id);
            assert!(fault.sentence.ends_with('.'), "{}", fault.id);
            assert_eq!(PLANTED.iter().filter(|other| other.id == fault.id).count(), 1, "{} is there twice", fault.id);
        }
    }
}
