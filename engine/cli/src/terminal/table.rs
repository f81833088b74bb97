//! Rows under headers: for people, for documents, for programs.

/// A table of texts.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// The names of the columns.
    pub(crate) headers: Vec<String>,
    /// Rows as long as the headers.
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// Columns of equal width, two spaces apart. Columns of nothing but numbers are aligned at their end.
    pub(crate) fn text(&self) -> String {
        let rows = || std::iter::once(&self.headers).chain(&self.rows);
        let width = |column: usize| rows().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.headers.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().enumerate().map(|(column, text)| {
                let space = " ".repeat(widths[column] - text.chars().count());
                if self.is_numeric(column) { format!("{space}{text}") } else { format!("{text}{space}") }
            });
            format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
        };
        rows().map(line).collect()
    }

    /// A table of GitHub's Markdown.
    pub(crate) fn markdown(&self) -> String {
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row.iter().map(|text| text.replace('|', "\\|").replace('\n', " ")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule: Vec<&str> =
            (0..self.headers.len()).map(|column| if self.is_numeric(column) { "---:" } else { "---" }).collect();
        let rows: String = self.rows.iter().map(line).collect();
        format!("{}| {} |\n{rows}", line(&self.headers), rule.join(" | "))
    }

    /// Comma-separated values (RFC 4180, lines end as on Unix).
    pub(crate) fn csv(&self) -> String {
        let quoted = |text: &String| {
            let plain = !text.contains([',', '"', '\n', '\r']);
            if plain { text.clone() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
        };
        let line = |row: &Vec<String>| format!("{}\n", row.iter().map(quoted).collect::<Vec<_>>().join(","));
        std::iter::once(&self.headers).chain(&self.rows).map(line).collect()
    }

    fn is_numeric(&self, column: usize) -> bool {
        let number = |text: &String| text.is_empty() || text.trim_start_matches(['+', '−']).parse::<f64>().is_ok();
        !self.rows.is_empty() && self.rows.iter().all(|row| number(&row[column]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_written_in_three_ways() {
        let row = |texts: [&str; 2]| texts.map(str::to_owned).to_vec();
        let table = Table { headers: row(["name", "value"]), rows: vec![row(["a, b", "1"]), row(["c|\"d\"", "12.5"])] };
        assert_eq!(table.text(), "name   value\na, b       1\nc|\"d\"   12.5\n");
        assert_eq!(table.markdown(), "| name | value |\n| --- | ---: |\n| a, b | 1 |\n| c\\|\"d\" | 12.5 |\n");
        assert_eq!(table.csv(), "name,value\n\"a, b\",1\n\"c|\"\"d\"\"\",12.5\n");
    }
}
