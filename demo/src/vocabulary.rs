//! The words that rows are made of: by column name where the name says what to expect, else general ones.

/// A string literal of SQL.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An array literal of SQL.
pub fn array(words: &[&str]) -> String {
    let list: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("ARRAY[{}]", list.join(","))
}

/// The words for a text column of this name in this table: `table.column` wins over `column`.
pub fn words_for(table: &str, column: &str) -> &'static [&'static str] {
    let in_table = WORDS.iter().find(|(key, _)| key.split_once('.') == Some((table, column)));
    let by_name = || WORDS.iter().find(|(key, _)| *key == column);
    in_table.or_else(by_name).map_or(GENERAL, |(_, words)| words)
}

/// The range of a count column of this name.
pub fn range_for(column: &str) -> (u32, u32) {
    RANGES.iter().find(|(names, ..)| names.contains(&column)).map_or((0, 1000), |(_, low, high)| (*low, *high))
}

/// First names of people who never were.
pub const FIRST_NAMES: &[&str] = &[
    "Ada", "Bela", "Caio", "Dana", "Emil", "Fatou", "Goran", "Hana", "Iris", "Jonas", "Kofi", "Lena", "Mira", "Nils", "Oona", "Pavel",
    "Quinn", "Rosa", "Sami", "Tove", "Uma", "Vera", "Wim", "Ximena", "Yara", "Zeno",
];

/// Family names to go with them.
pub const LAST_NAMES: &[&str] = &[
    "Abara",
    "Brandt",
    "Castell",
    "Dubois",
    "Eriksen",
    "Fontaine",
    "Granger",
    "Hoshino",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Nakata",
    "Okafor",
    "Petrov",
    "Quiroga",
    "Rossi",
    "Sample",
    "Tanaka",
    "Ueda",
    "Varga",
    "Winter",
    "Yilmaz",
    "Zimmer",
];

/// The first words of titles.
pub const ADJECTIVES: &[&str] = &[
    "Amber", "Bright", "Calm", "Daily", "Early", "Fair", "Golden", "Hidden", "Inland", "Joint", "Keen", "Lucid", "Modern", "Northern",
    "Open", "Prime", "Quiet", "Rapid", "Silver", "Steady", "Sunlit", "Trusted", "Urban", "Verdant", "Western", "Young",
];

/// The sentences of longer texts.
pub const SENTENCES: &[&str] = &[
    "The first week showed what the plan had left open.",
    "Most people finish this in an afternoon and come back for more.",
    "Figures are taken at the end of each day and rounded to two decimals.",
    "Nothing here needs more than a pencil and some patience.",
    "The team reviewed the numbers twice before they were published.",
    "Ask for help early; the answer is usually one message away.",
    "Prices include taxes where the law asks for it.",
    "This was written for beginners, but old hands will find a page or two.",
    "We measured it on a quiet Tuesday and again under load.",
    "Each step can be undone until the last one is confirmed.",
    "The old way still works, although nobody remembers why it was chosen.",
    "It rains less in spring, and the trains are on time.",
];

/// Remarks on health, each plainly invented.
pub const HEALTH_NOTES: &[&str] = &[
    "Synthetic note: sleeps well, mild headache after long screen days.",
    "Synthetic note: blood pressure slightly raised, check again in a month.",
    "Synthetic note: recovering from a sprained ankle, walking daily.",
    "Synthetic note: reports low mood on Mondays, asks for no treatment.",
    "Synthetic note: seasonal pollen allergy, antihistamine when needed.",
    "Synthetic note: no complaints, annual check-up without findings.",
];

const GENERAL: &[&str] = &["alpha", "harbour", "meadow", "signal", "lantern", "copper", "orchard", "summit", "willow", "compass"];
const COUNTRIES: &[&str] = &[
    "AR", "AT", "AU", "BE", "BR", "CA", "CH", "CL", "CN", "CZ", "DE", "DK", "EG", "ES", "FI", "FR", "GB", "GR", "HU", "ID", "IE", "IN",
    "IS", "IT", "JP", "KE", "KR", "MA", "MX", "NG", "NL", "NO", "NZ", "PE", "PL", "PT", "SE", "TH", "TR", "ZA",
];
const CURRENCIES: &[&str] = &[
    "EUR", "USD", "GBP", "JPY", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "CAD", "AUD", "NZD", "BRL", "MXN", "INR", "CNY", "KRW",
    "ZAR", "TRY", "THB", "NGN", "KES",
];
const CITIES: &[&str] = &[
    "Lisbon",
    "Kyoto",
    "Oslo",
    "Marrakesh",
    "Vienna",
    "Cusco",
    "Bruges",
    "Hanoi",
    "Galway",
    "Split",
    "Bergen",
    "Porto",
    "Tallinn",
    "Valencia",
    "Krakow",
    "Nagoya",
    "Quito",
    "Zagreb",
    "Utrecht",
    "Nairobi",
    "Malmo",
    "Turin",
    "Busan",
    "Antwerp",
    "Cork",
    "Graz",
];

#[rustfmt::skip] // One column name, one line.
const WORDS: &[(&str, &[&str])] = &[
    ("country_code", COUNTRIES), ("billing_country", COUNTRIES), ("nationality", COUNTRIES), ("countries.code", COUNTRIES),
    ("currency", CURRENCIES), ("currencies.code", CURRENCIES), ("city", CITIES), ("cities.name", CITIES),
    ("countries.name", &["Argentina", "Austria", "Australia", "Belgium", "Brazil", "Canada", "Switzerland", "Chile", "China", "Czechia", "Germany", "Denmark", "Egypt", "Spain", "Finland", "France", "United Kingdom", "Greece", "Hungary", "Indonesia", "Ireland", "India", "Iceland", "Italy", "Japan", "Kenya", "Korea", "Morocco", "Mexico", "Nigeria", "Netherlands", "Norway", "New Zealand", "Peru", "Poland", "Portugal", "Sweden", "Thailand", "Turkey", "South Africa"]),
    ("continents.name", &["Africa", "Antarctica", "Asia", "Europe", "North America", "Oceania", "South America"]),
    ("roles.name", &["owner", "administrator", "security officer", "operator", "analyst", "editor", "author", "moderator", "support", "billing", "member", "guest"]),
    ("environments.name", &["dev", "test", "staging", "prod"]),
    ("events.name", &["page_viewed", "signed_in", "search_made", "cart_filled", "checkout_done", "video_played", "share_clicked", "form_sent"]),
    ("event", &["user.created", "order.paid", "booking.changed", "lesson.completed", "alert.raised"]),
    ("locale", &["en-GB", "en-US", "de-DE", "fr-FR", "es-ES", "pt-BR", "ja-JP", "sv-SE"]),
    ("language", &["en", "de", "fr", "es", "pt", "ja", "sv"]),
    ("timezone", &["Europe/Lisbon", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Africa/Nairobi", "Australia/Sydney"]),
    ("region", &["eu-west", "eu-north", "us-east", "us-west", "ap-south"]),
    ("device", &["phone", "tablet", "laptop", "desktop", "watch"]),
    ("user_agent", &["Firefox on Linux", "Safari on macOS", "Chrome on Android", "Edge on Windows", "Safari on iOS"]),
    ("version", &["1.0.0", "1.1.0", "1.2.3", "2.0.0", "2.1.4", "3.0.1"]), ("firmware", &["4.0.2", "4.1.0", "5.0.0"]),
    ("vendor", &["Northwind", "Halcyon", "Brightline", "Kestrel", "Maplewood", "Ironleaf"]), ("brand", &["Northwind", "Halcyon", "Brightline", "Kestrel", "Maplewood"]),
    ("model", &["mentor-small", "mentor-large", "pulse-two", "glide", "atlas-mini"]), ("licence", &["Apache-2.0", "MIT", "CC-BY-4.0", "proprietary"]),
    ("topic", &["billing", "health", "sync", "registry", "learning", "alerts"]), ("network", &["Awayside", "Clickmesh", "Direct", "Partnerly"]), ("assets.network", &["192.0.2.0/26", "198.51.100.0/25", "203.0.113.0/27"]),
    ("goal", &["signup", "purchase", "newsletter", "retain", "answer"]), ("action", &["create", "update", "delete", "sign_in", "export", "approve"]),
    ("object_type", &["user", "session", "setting", "organization", "flag", "report"]), ("resource", &["users", "reports", "backups", "billing", "models", "content"]),
    ("medium", &["organic", "paid", "referral", "direct", "newsletter"]), ("placement", &["list", "detail", "comparison", "sidebar", "newsletter"]),
    ("cron", &["0 3 * * *", "*/15 * * * *", "0 * * * *", "30 2 * * 0", "0 6 1 * *"]), ("symbol", &["€", "$", "£", "¥", "kr", "zł"]),
    ("exchange", &["XETR", "XNAS", "XLON", "XTKS", "XPAR"]), ("unit", &["bpm", "kg", "mmHg", "mg/dL", "hours", "steps"]),
    ("substance", &["pollen", "peanut", "penicillin", "latex", "shellfish", "dust"]), ("dose", &["1 tablet", "5 ml", "2 tablets", "10 drops"]),
    ("strength", &["5 mg", "10 mg", "50 mg", "200 mg"]), ("specialty", &["cardiology", "nutrition", "sleep", "physiotherapy", "general practice"]),
    ("muscle_group", &["legs", "back", "core", "shoulders", "arms"]), ("equipment", &["none", "mat", "dumbbell", "band", "barbell"]), ("beverage", &["water", "tea", "coffee", "juice"]),
    ("street", &["Harbour Road", "Mill Lane", "Station Square", "Orchard Way"]), ("opens", &["08:00", "09:00", "10:00"]), ("closes", &["17:00", "18:00", "22:00"]),
    ("season", &["all year", "summer", "winter"]), ("climate", &["warm", "cold", "wet", "mixed"]), ("seat", &["12A", "7C", "21F", "3D"]), ("calling_code", &["+351", "+49", "+81", "+44", "+1"]),
    ("month_name", &["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]),
    ("phrase", &["crm for small teams", "invoice tool", "free whiteboard", "open source helpdesk", "time tracking", "password manager", "form builder"]),
    ("entitlement", &["read reports", "approve payments", "manage users", "export data"]), ("scope", &["finance", "production", "all staff", "contractors"]), ("accelerator", &["none", "T4", "A10", "A100", "H100"]),
    ("label", &["positive", "negative", "neutral", "question", "other"]), ("expression", &["amount > 0", "count(*) = 0", "age_days < 30", "lower(email)"]), ("task", &["classification", "summary", "translation", "retrieval"]), ("metric", &["accuracy", "f1", "bleu", "recall"]),
    ("trait", &["curious", "patient", "direct", "careful", "cheerful"]), ("colour", &["teal", "amber", "violet", "slate"]), ("attribute", &["age band", "language", "region"]), ("entity", &["user", "organization", "session"]),
];

/// Ranges of counts: the column names, the lowest and the highest value.
#[rustfmt::skip] // One range, one line.
const RANGES: &[(&[&str], u32, u32)] = &[
    (&["rating"], 1, 5), (&["stars"], 1, 5), (&["rank", "position", "sort_order"], 1, 100), (&["attempts", "replicas", "quantity", "sleeps", "passengers", "residents", "runways"], 1, 8),
    (&["response_status"], 200, 504), (&["retire_age"], 55, 70), (&["horizon_years"], 1, 40), (&["term_months", "validity_months"], 6, 360), (&["minor_units"], 0, 3),
    (&["resting_pulse", "heart_rate"], 45, 180), (&["kcal", "goal_kcal", "basal_kcal", "energy_kcal"], 40, 2600), (&["asleep_minutes"], 180, 560), (&["deep_minutes"], 20, 140), (&["awakenings", "times_per_day", "nights", "repetitions", "level"], 1, 12),
    (&["minutes", "reading_minutes", "weeks"], 2, 90), (&["bytes"], 900, 90_000_000), (&["volume", "impressions", "population", "parameter_count"], 1_000, 9_000_000), (&["width"], 320, 3840), (&["height"], 240, 2160),
    (&["points", "tokens", "prompt_tokens", "completion_tokens"], 5, 1800), (&["latency_ms", "elapsed_ms", "timeout_ms"], 1, 3000), (&["duration", "seconds_spent", "timeout", "time_limit", "rest_secs"], 5, 3600), (&["step", "samples", "examples"], 1, 20_000),
];
