//! Comma-separated values (RFC 4180) that a spreadsheet shows and does not run: a text that begins
//! like a formula gets an apostrophe in front.

use std::fmt::Write as _;

/// A table on its way out.
pub struct Csv(String);

impl Csv {
    pub fn new(columns: &[&str]) -> Self {
        let mut csv = Self(String::new());
        csv.row(columns.iter().map(|column| (*column).to_owned()));
        csv
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        for (index, cell) in cells.into_iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            self.cell(&cell);
        }
        self.0.push_str("\r\n");
    }

    fn cell(&mut self, cell: &str) {
        let is_formula = cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
            || cell.starts_with(['\t', '\r', '\n']);
        let guard = if is_formula && cell.parse::<f64>().is_err() { "'" } else { "" };
        if guard.is_empty() && !cell.contains([',', '"', '\r', '\n', '\'', ';', '\t']) {
            self.0.push_str(cell);
        } else {
            let _ = write!(self.0, "\"{guard}{}\"", cell.replace('"', "\"\""));
        }
    }

    pub fn text(self) -> String {
        self.0
    }
}

/// Millionths as a decimal number.
pub fn decimal(millionths: i64) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let (whole, part) = (millionths.unsigned_abs() / 1_000_000, millionths.unsigned_abs() % 1_000_000);
    format!("{sign}{whole}.{part:06}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> String {
        let mut csv = Csv::new(&[]);
        csv.0.clear();
        csv.row([text.to_owned()]);
        csv.text().trim_end_matches("\r\n").to_owned()
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (text, shown) in [
            ("Ana", "Ana"),
            ("", ""),
            ("-12.5", "-12.5"),
            ("openai/gpt", "openai/gpt"),
            ("=1+1", "\"'=1+1\""),
            ("  =1+1", "\"'  =1+1\""),
            ("+40 721", "\"'+40 721\""),
            ("-cmd|' /C calc'!A0", "\"'-cmd|' /C calc'!A0\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("＝1", "\"'＝1\""),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("a\nb", "\"a\nb\""),
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
        ] {
            assert_eq!(cell(text), shown, "{text:?}");
        }
    }

    #[test]
    fn millionths_are_decimal_numbers() {
        assert_eq!(decimal(0), "0.000000");
        assert_eq!(decimal(12), "0.000012");
        assert_eq!(decimal(12_345_678), "12.345678");
        assert_eq!(decimal(-1), "-0.000001");
        assert_eq!(decimal(i64::MIN), "-9223372036854.775808");
    }
}
