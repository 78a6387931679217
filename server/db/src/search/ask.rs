//! Looking into the index.

use pakhus_core::{
    FoundPackage, Metadata, PackageName, Search, SearchOrder, SearchPage, Timestamp,
};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};

use super::terms::{MOST_ASKED, asked, feed_term, label_term};
use crate::{Database, Error, Result, downloads};

/// The most matches that are counted, and weighed: of more, nobody looks at all.
pub const MOST_MATCHES: u64 = 20_000;

/// A package of the very name that is asked for comes first; then weigh where the words stand, and how
/// often it was downloaded.
const SQLITE_BEST: &str = "entry.name = ?4 DESC, \
    (bm25(search_text, 10.0, 4.0, 1.0, 0.0) - 0.000001) \
    * (1.0 + 0.1 * min(length(entry.downloads), 10)), entry.name";
const POSTGRES_BEST: &str = "entry.name = $4 DESC, \
    (ts_rank('{0.0, 0.1, 0.4, 1.0}', terms, $5::tsquery) + 0.000001) \
    * (1.0 + 0.1 * least(length(downloads::text), 10)) DESC, entry.name";
/// The best of very many matches. To weigh the words, the database would look at all of them: of those
/// that changed last, the most downloaded come first.
const SQLITE_BEST_OF_MANY: &str = "SELECT entry.name, entry.display, entry.shown FROM ( \
    SELECT * FROM (SELECT rowid AS id FROM search_text WHERE search_text MATCH ?1 \
    ORDER BY rowid DESC LIMIT ?6) \
    UNION SELECT rowid FROM search_text WHERE search_text MATCH ?1 \
    AND rowid IN (SELECT id FROM search_entries WHERE feed_id = ?5 AND name = ?4)) found \
    JOIN search_entries entry ON entry.id = found.id \
    ORDER BY entry.name = ?4 DESC, entry.downloads DESC, entry.name LIMIT ?2 OFFSET ?3";
const POSTGRES_BEST_OF_MANY: &str = "SELECT name, display, shown FROM ( \
    (SELECT * FROM search_entries WHERE terms @@ $1::tsquery ORDER BY id DESC LIMIT $6) \
    UNION SELECT * FROM search_entries \
    WHERE terms @@ $1::tsquery AND feed_id = $5 AND name = $4) found \
    ORDER BY name = $4 DESC, downloads DESC, name LIMIT $2 OFFSET $3";
const SQLITE_TOTAL: &str =
    "SELECT count(*) FROM (SELECT 1 FROM search_text WHERE search_text MATCH ?1 LIMIT ?2)";
const POSTGRES_TOTAL: &str = "SELECT count(*) FROM \
    (SELECT 1 FROM search_entries WHERE terms @@ $1::tsquery LIMIT $2) found";

fn sqlite_query(order: &str) -> String {
    format!(
        "SELECT entry.name, entry.display, entry.shown \
         FROM search_text JOIN search_entries entry ON entry.id = search_text.rowid \
         WHERE search_text MATCH ?1 ORDER BY {order} LIMIT ?2 OFFSET ?3"
    )
}

fn postgres_query(order: &str) -> String {
    format!(
        "SELECT name, display, shown FROM search_entries entry \
         WHERE terms @@ $1::tsquery ORDER BY {order} LIMIT $2 OFFSET $3"
    )
}

/// What is ordered by where nothing is weighed.
fn by(order: SearchOrder) -> Option<&'static str> {
    match order {
        SearchOrder::Best => None,
        SearchOrder::Name => Some("entry.name"),
        SearchOrder::NameDescending => Some("entry.name DESC"),
        SearchOrder::Downloads => Some("entry.downloads DESC, entry.name"),
    }
}

/// Finds packages of a feed, as the index knows them.
///
/// # Errors
/// When the database fails.
pub async fn find(
    database: &Database,
    feed_id: i64,
    search: &Search,
    now: Timestamp,
) -> Result<SearchPage> {
    let Some(words) = asked(&search.text) else {
        return Ok(SearchPage { total: 0, found: Vec::new() });
    };
    let connection = database.reader();
    let sqlite = database.backend() == DbBackend::Sqlite;
    let condition: Value = match sqlite {
        true => sqlite_condition(feed_id, search, &words),
        false => postgres_condition(feed_id, search, &words),
    }
    .into();
    let number = |number: u64| Value::from(i64::try_from(number).unwrap_or(i64::MAX));
    let total = if sqlite { SQLITE_TOTAL } else { POSTGRES_TOTAL };
    let values = [condition.clone(), number(MOST_MATCHES)];
    let total = Statement::from_sql_and_values(database.backend(), total, values);
    let total = connection.query_one_raw(total).await?;
    let total: i64 = total.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    let total = total.unsigned_abs();

    let mut values = vec![condition, number(search.take), number(search.skip)];
    let by = by(search.order);
    if by.is_none() {
        values.push(search.text.trim().replace('\0', "").into());
    }
    let found = match (by, total == MOST_MATCHES, sqlite) {
        (Some(by), _, true) => sqlite_query(by),
        (Some(by), _, false) => postgres_query(by),
        (None, true, _) => {
            values.extend([feed_id.into(), number(MOST_MATCHES)]);
            (if sqlite { SQLITE_BEST_OF_MANY } else { POSTGRES_BEST_OF_MANY }).to_owned()
        }
        (None, false, true) => sqlite_query(SQLITE_BEST),
        (None, false, false) => {
            values.push(postgres_weighed(&words).into());
            postgres_query(POSTGRES_BEST)
        }
    };
    let found = Statement::from_sql_and_values(database.backend(), found, values);
    let rows = connection.query_all_raw(found).await?;
    let rows: Vec<_> = rows.iter().map(found_row).collect::<Result<_>>()?;
    let names: Vec<_> = rows.iter().map(|(name, _)| name.key().to_owned()).collect();
    let mut recent = downloads::recent(database, feed_id, &names, now).await?;
    let found = rows.into_iter().map(|(name, shown)| {
        let downloads = recent.remove(name.key()).unwrap_or_default();
        FoundPackage { name, shown, downloads }
    });
    Ok(SearchPage { total, found: found.collect() })
}

fn found_row(row: &QueryResult) -> Result<(PackageName, Metadata)> {
    let (name, display, shown): (String, String, String) =
        (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
    let name = PackageName::new(name, display).map_err(Error::broken)?;
    Ok((name, serde_json::from_str(&shown).map_err(Error::broken)?))
}

/// The condition in the words of FTS5. Every term is of letters and digits.
fn sqlite_condition(feed_id: i64, search: &Search, words: &[String]) -> String {
    let mut condition = format!("labels : {}", feed_term(feed_id));
    for labels in &search.labels {
        condition.push_str(&format!(" AND labels : ({})", any_of(labels, " OR ", "")));
    }
    let columns = if search.in_names { "name" } else { "{name keywords description}" };
    for word in words {
        condition.push_str(&format!(" AND {columns} : \"{word}\" *"));
    }
    for label in &search.without {
        condition = format!("({condition}) NOT labels : {}", label_term(label));
    }
    condition
}

fn any_of(labels: &[String], or: &str, suffix: &str) -> String {
    // A list without labels has none that a package could have: no label is that term.
    let none = (labels.is_empty()).then(|| format!("none{suffix}"));
    let terms = labels.iter().take(MOST_ASKED).map(|label| label_term(label) + suffix);
    none.into_iter().chain(terms).collect::<Vec<_>>().join(or)
}

/// What is weighed of what is found. Joined by "and", what weighs nothing would take the weight of all.
fn postgres_weighed(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("'{word}':*ABC")).collect();
    if words.is_empty() { "'none':D".to_owned() } else { words.join(" | ") }
}

/// The condition in the words of `tsquery`.
fn postgres_condition(feed_id: i64, search: &Search, words: &[String]) -> String {
    let mut condition = format!("'{}':D", feed_term(feed_id));
    for labels in &search.labels {
        condition.push_str(&format!(" & ({})", any_of(labels, " | ", ":D")));
    }
    let weights = if search.in_names { "A" } else { "ABC" };
    for word in words {
        condition.push_str(&format!(" & '{word}':*{weights}"));
    }
    for label in &search.without {
        condition.push_str(&format!(" & !'{}':D", label_term(label)));
    }
    condition
}
