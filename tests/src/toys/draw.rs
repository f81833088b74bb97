//! Draws numbers as a figure and lists them as a table, in every file format that there is for these.

use std::path::Path;

use dgpipe_cache::Form;
use dgpipe_engine::stage::{
    Context, Format, FormatError, Kind, Labelled, Out, Ports, StageError, StageType, View, WriteFormat,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::Number;

/// What the figure says.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DrawConfig {
    /// The title.
    title: String,
}

/// Files by name.
pub(super) struct Files<const FIGURE: bool>(Vec<(&'static str, Vec<u8>)>);

impl<const FIGURE: bool> Format for Files<FIGURE> {
    const KIND: Kind = if FIGURE { Kind::new("figure/1") } else { Kind::new("table/1") };
    const FORM: Form = Form::Folder;

    fn read(_view: &View) -> Result<Self, FormatError> {
        Ok(Self(Vec::new()))
    }
}

impl<const FIGURE: bool> WriteFormat for Files<FIGURE> {
    fn write(&self, path: &Path) -> Result<(), FormatError> {
        fs_err::create_dir_all(path)?;
        Ok(self.0.iter().try_for_each(|(name, bytes)| fs_err::write(path.join(name), bytes))?)
    }
}

const NUMBERS: Labelled<Number> = Labelled::new("numbers");
const FIGURE: Out<Files<true>> = Out::new("figure");
const TABLE: Out<Files<false>> = Out::new("table");

pub(super) struct Draw;

impl StageType for Draw {
    type Config = DrawConfig;
    const NAME: &'static str = "draw";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Draws numbers.";

    fn ports() -> Ports {
        Ports::default().reads(NUMBERS).writes(FIGURE).writes(TABLE)
    }

    fn execute(config: &DrawConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let numbers: Vec<i64> = context.read(NUMBERS)?.into_iter().map(|(_, number)| number.0).collect();
        let list = numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        let files = vec![
            ("plot.svg", svg(&config.title, &numbers).into_bytes()),
            ("plot.png", png(&numbers)),
            ("plot.pdf", pdf(&list).into_bytes()),
            ("points.json", format!("[{list}]\n").into_bytes()),
        ];
        context.write(FIGURE, &Files(files))?;
        let rows =
            |before: &str, after: &str| numbers.iter().map(|n| format!("{before}{n}{after}\n")).collect::<String>();
        let files = vec![
            ("table.csv", format!("number\n{}", rows("", "")).into_bytes()),
            ("table.md", format!("| number |\n| ---: |\n{}", rows("| ", " |")).into_bytes()),
            ("table.tex", rows("", " \\\\").into_bytes()),
        ];
        context.write(TABLE, &Files(files))
    }
}

fn svg(title: &str, numbers: &[i64]) -> String {
    let bar = |(index, number): (usize, &i64)| {
        format!("<rect x=\"{}\" y=\"{}\" width=\"8\" height=\"{number}\"/>\n", index * 10, 40 - number)
    };
    let bars: String = numbers.iter().enumerate().map(bar).collect();
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 100 40\">\n<title>{title}</title>\n{bars}</svg>\n")
}

/// Grey pixels in a row, one a number, not compressed.
fn png(numbers: &[i64]) -> Vec<u8> {
    let row: Vec<u8> = std::iter::once(0).chain(numbers.iter().map(|number| number.to_le_bytes()[0])).collect();
    let length = u16::try_from(row.len()).unwrap_or(u16::MAX);
    let adler = row.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    let mut picture = vec![0x78, 0x01, 1];
    picture.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
    picture.extend(&row);
    picture.extend((adler.1 << 16 | adler.0).to_be_bytes());
    let width = u32::try_from(numbers.len()).unwrap_or(u32::MAX).to_be_bytes();
    let header = [width.as_slice(), &1_u32.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in [(b"IHDR", header), (b"IDAT", picture), (b"IEND", Vec::new())] {
        let chunk = [name.as_slice(), &content].concat();
        bytes.extend(u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(&chunk);
        bytes.extend(crc32fast::hash(&chunk).to_be_bytes());
    }
    bytes
}

/// A page with a line of text.
fn pdf(text: &str) -> String {
    let stream = format!("BT /F1 12 Tf 10 20 Td ({text}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /DisplayDocTitle true >> >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 50] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut pdf = "%PDF-1.7\n".to_owned();
    let mut places = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        places.push(pdf.len());
        pdf.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let table = pdf.len();
    pdf.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    places.iter().for_each(|place| pdf.push_str(&format!("{place:010} 00000 n \n")));
    pdf + &format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1)
}
