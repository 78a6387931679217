//! Tables without borders: columns as wide as what they hold, two spaces apart.

use super::output::{Paint, Tone, one_line};

/// A table.
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// A column's heading and which side its cells keep to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    /// Text.
    Left(&'static str),
    /// Numbers.
    Right(&'static str),
}

/// A cell.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl Cell {
    /// A cell with this text; `-` when there is none.
    pub(super) fn new(text: impl AsRef<str>) -> Self {
        let text = one_line(text.as_ref());
        Self { text: if text.is_empty() { "-".to_owned() } else { text }, tone: None }
    }

    /// A cell with this text where there is one.
    pub(super) fn optional(text: Option<impl ToString>) -> Self {
        Self::new(text.map(|text| text.to_string()).unwrap_or_default())
    }

    /// The cell in the colour of a tone.
    pub(super) fn toned(self, tone: Tone) -> Self {
        Self { tone: Some(tone), ..self }
    }
}

impl Table {
    /// A table with these columns.
    pub(super) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// A table of names and what they have: two columns without headings.
    pub(super) fn details() -> Self {
        Self::new([Column::Left(""), Column::Left("")])
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        self.rows.push(cells.into());
    }

    /// Adds a row of a name and what it has.
    pub(super) fn detail(&mut self, name: &str, cell: Cell) {
        self.row([Cell::new(name).toned(Tone::Dim), cell]);
    }

    /// The table as lines of text.
    pub(super) fn render(&self, paint: Paint) -> String {
        let headings: Vec<Cell> = self
            .columns
            .iter()
            .map(|column| {
                let (Column::Left(heading) | Column::Right(heading)) = column;
                Cell { text: (*heading).to_owned(), tone: Some(Tone::Dim) }
            })
            .collect();
        let headings = (!headings.iter().all(|cell| cell.text.is_empty())).then_some(headings);
        let rows: Vec<&Vec<Cell>> = headings.iter().chain(&self.rows).collect();
        let mut widths = vec![0; self.columns.len()];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(*row) {
                *width = (*width).max(cell.width());
            }
        }
        let mut text = String::new();
        for row in rows {
            let mut line = String::new();
            for ((cell, column), width) in row.iter().zip(&self.columns).zip(&widths) {
                let padding = " ".repeat(width - cell.width());
                let shown = match cell.tone {
                    Some(tone) => paint.tone(tone, &cell.text),
                    None => cell.text.clone(),
                };
                match column {
                    Column::Left(_) => line.extend([shown.as_str(), &padding, "  "]),
                    Column::Right(_) => line.extend([padding.as_str(), &shown, "  "]),
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

impl Cell {
    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_they_hold() {
        let mut table =
            Table::new([Column::Left("NAME"), Column::Right("PACKAGES"), Column::Left("ORIGIN")]);
        table.row([Cell::new("libs"), Cell::new("12"), Cell::new("database")]);
        table.row([Cell::new("a-long-name"), Cell::new("1000000000"), Cell::optional(None::<u8>)]);
        assert_eq!(
            table.render(Paint::off()),
            "NAME           PACKAGES  ORIGIN\n\
             libs                 12  database\n\
             a-long-name  1000000000  -\n"
        );
    }

    #[test]
    fn details_have_no_headings_and_letters_count_not_bytes() {
        let mut table = Table::details();
        table.detail("name", Cell::new("Zürich"));
        table.row([Cell::new("größe"), Cell::new("two\nlines")]);
        assert_eq!(table.render(Paint::off()), "name   Zürich\ngröße  two lines\n");
    }
}
